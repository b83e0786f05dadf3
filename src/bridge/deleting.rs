//! Deletes events of the peer's log.

use session::client;
use session::{Position, RejectCode};

use super::Bridge;
use super::requests::{Answer, request};

/// Why an event was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// The peer cannot delete events, or the tab that has the link cannot, because it runs an older version.
    #[error("the peer cannot delete events")]
    NotAvailable,
    /// The peer has refused the request, for this reason: [`RejectCode::NotAllowed`], or [`RejectCode::NotFound`] if
    /// its log has no such event.
    #[error("the peer refused to delete the event: {}", .0.name())]
    Refused(RejectCode),
    /// The bridge was dropped.
    #[error("the bridge is closed")]
    Closed,
}

impl Bridge {
    /// Deletes a stored event, and returns the position of the deletion event. Its author may do so, and accounts with
    /// the right to moderate its topic. Deleting it again gives the same position.
    ///
    /// The peer empties the event: only its id, source, account and time stay, in history and for readers that resume.
    /// All subscribers of its topic get a [deletion event](crate::Event::deletes).
    ///
    /// It waits while the link is down, and asks again on each connection until there is an answer. Dropping the future
    /// cancels a request that was not sent yet.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::DeleteError;
    /// use event_driven_kit::{Bridge, Delivery, Event};
    ///
    /// async fn take_back(bridge: &Bridge, event: &Event) -> Result<(), DeleteError> {
    ///     if let Delivery::Stored(position) = event.delivery() {
    ///         bridge.delete(position).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// A [`DeleteError`].
    pub fn delete(
        &self,
        position: &Position,
    ) -> impl Future<Output = Result<Position, DeleteError>> + use<> {
        let (position, endpoint) = (position.clone(), self.endpoint.this.clone());
        async move {
            let Some(Answer::Deleted(outcome)) =
                request(&endpoint, |link| link.delete(position)).await
            else {
                return Err(DeleteError::Closed);
            };
            outcome.map_err(|error| match error {
                client::RequestError::Refused(code) => DeleteError::Refused(code),
                _ => DeleteError::NotAvailable,
            })
        }
    }
}
