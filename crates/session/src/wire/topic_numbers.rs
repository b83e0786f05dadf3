//! Topics by number. Each topic is sent by name once per direction of a connection, and then by its number.

use topic::{Topic, TopicError};

/// The maximum number of topics with a number. Beyond it the sender reuses the oldest number for the new topic.
const MAX_TOPICS: u32 = 1_024;

/// The sender's end.
#[derive(Debug, Default)]
pub(crate) struct TopicNumbers {
    /// By number.
    topics: Vec<Topic>,
    /// The numbers in the order of their topics.
    sorted: Vec<usize>,
    oldest: usize,
}

impl TopicNumbers {
    /// The topic's number, with its name if the receiver does not know the number yet.
    pub(crate) fn number(&mut self, topic: &Topic) -> (u32, Option<String>) {
        if let Ok(at) = self.place(topic) {
            return (self.sorted[at] as u32, None);
        }
        let number = if self.topics.len() < MAX_TOPICS as usize {
            self.topics.push(topic.clone());
            self.topics.len() - 1
        } else {
            let number = self.oldest;
            self.oldest = (number + 1) % self.topics.len();
            self.sorted.retain(|other| *other != number);
            self.topics[number] = topic.clone();
            number
        };
        let (Ok(at) | Err(at)) = self.place(topic);
        self.sorted.insert(at, number);
        (number as u32, Some(topic.to_string()))
    }

    /// The topic with this number, if one has it.
    pub(crate) fn topic(&self, number: u32) -> Option<&Topic> {
        self.topics.get(number as usize)
    }

    /// The index of the topic's number in `sorted`, or where to insert it.
    fn place(&self, topic: &Topic) -> Result<usize, usize> {
        self.sorted.binary_search_by(|number| self.topics[*number].cmp(topic))
    }
}

/// The receiver's end.
#[derive(Debug, Default)]
pub(crate) struct TopicNames {
    /// By number.
    topics: Vec<Option<Topic>>,
}

/// Why a topic's number and name do not yield a topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnknownTopic {
    /// The number has no name, or is above the limit.
    Number,
    /// The name is not a valid topic.
    Name(TopicError),
}

impl TopicNames {
    /// The topic that the sender means.
    pub(crate) fn topic(&mut self, number: u32, name: Option<&str>) -> Result<Topic, UnknownTopic> {
        if number >= MAX_TOPICS {
            return Err(UnknownTopic::Number);
        }
        let number = number as usize;
        let Some(name) = name else {
            return self.topics.get(number).cloned().flatten().ok_or(UnknownTopic::Number);
        };
        let topic = Topic::parse(name).map_err(UnknownTopic::Name)?;
        if number >= self.topics.len() {
            self.topics.resize(number + 1, None);
        }
        self.topics[number] = Some(topic.clone());
        Ok(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_once_and_a_number_that_is_given_again_is_named_again() {
        let (mut sender, mut receiver) = (TopicNumbers::default(), TopicNames::default());
        for round in 0..2 {
            for topic in 0..2 * MAX_TOPICS {
                let topic = Topic::parse(&format!("t.{topic}")).unwrap();
                for repeat in 0..2 {
                    let (number, name) = sender.number(&topic);
                    assert_eq!(name.is_some(), repeat == 0, "round {round}");
                    assert_eq!(receiver.topic(number, name.as_deref()), Ok(topic.clone()));
                }
            }
        }
        assert!(receiver.topics.len() <= MAX_TOPICS as usize);
        assert_eq!(receiver.topic(MAX_TOPICS, Some("a")), Err(UnknownTopic::Number));
    }
}
