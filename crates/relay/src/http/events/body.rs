//! Reads the body of a request. Bodies that clients leave unfinished count in the budget of unfinished messages.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use session::RejectCode;
use tokio::time::timeout;

use super::problem::Problem;
use crate::budget::{Permit, Share};

/// This much of a body is free.
const FREE: usize = 32 << 10;
/// Beyond that, memory is taken in pieces of this size.
const PIECE: usize = 64 << 10;
/// The buffer doubles when it is full, so it can be this many times as large as what has arrived.
const GROWTH: usize = 2;
/// The part of the time limit for which a body may wait for memory.
const STARVED: u32 = 6;

/// Reads a body of at most `most` bytes, within the time `limit`; zero for no limit. The permit holds its memory.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    most: usize,
    share: &Share,
    limit: Duration,
) -> Result<(Vec<u8>, Option<Permit>), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large(most));
    }
    let reading = collect(body, most, share, limit);
    if limit.is_zero() {
        return reading.await;
    }
    let late = |_| {
        let detail = "the body took too long to arrive";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail)
    };
    timeout(limit, reading).await.map_err(late)?
}

async fn collect(
    body: Body,
    most: usize,
    share: &Share,
    limit: Duration,
) -> Result<(Vec<u8>, Option<Permit>), Problem> {
    let (mut bytes, mut permit): (Vec<u8>, Option<Permit>) = (Vec::new(), None);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            let detail = "the body ended early";
            return Err(Problem::rejected(RejectCode::IllegalEvent, detail));
        };
        let length = bytes.len() + chunk.len();
        if length > most {
            return Err(too_large(most));
        }
        let held = permit.as_ref().map_or(0, Permit::bytes);
        if length > FREE && GROWTH * length > held {
            let more = (GROWTH * length - held).next_multiple_of(PIECE);
            let more = take(share, more, limit).await?;
            match &mut permit {
                Some(held) => held.merge(more),
                None => permit = Some(more),
            }
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, permit))
}

async fn take(share: &Share, bytes: usize, limit: Duration) -> Result<Permit, Problem> {
    if limit.is_zero() {
        return Ok(share.take(bytes).await);
    }
    timeout(limit / STARVED, share.take(bytes)).await.map_err(|_| {
        let problem = Problem::overloaded("too many large requests of your address are incomplete");
        problem.retry(Duration::from_millis(super::RETRY.into()))
    })
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body may have at most {most} bytes");
    Problem::rejected(RejectCode::TooLarge, &detail)
}
