//! Runs two pieces of work in parallel.

use crate::progress;
use anyhow::{Result, anyhow};
use std::thread;

/// Runs both, in parallel if there is more than one core. If both fail, returns the error of `first`.
pub fn side_by_side<A: Send, B: Send>(
    first: impl FnOnce() -> Result<A> + Send,
    second: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Ok((first()?, second()?));
    }
    let task = progress::current();
    thread::scope(|scope| {
        let other = scope.spawn(|| match task {
            Some(task) => progress::within(task, first),
            None => first(),
        });
        let second = second();
        let first = other.join().unwrap_or_else(|_| Err(anyhow!("a worker thread panicked")));
        Ok((first?, second?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_run_and_the_first_error_is_returned() {
        assert_eq!(side_by_side(|| Ok(1), || Ok("two")).unwrap(), (1, "two"));
        let error = side_by_side(|| Ok(1), || Err::<(), _>(anyhow!("second"))).unwrap_err();
        assert_eq!(error.to_string(), "second");
        let both =
            side_by_side(|| Err::<(), _>(anyhow!("first")), || Err::<(), _>(anyhow!("second")));
        assert_eq!(both.unwrap_err().to_string(), "first");
    }
}
