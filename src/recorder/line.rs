//! A line of a recording: a CloudEvent in the JSON format (CloudEvents 1.0, JSON Event Format 1.0.2).

use std::mem;

use base64ct::{Base64, Encoding};
use bus::{Recorded, Topic};
use js_sys::{Date, JSON, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::js::text_of;
use crate::payload::{Bytes, DataError, Payload, read};
use crate::words::{delivery_of, words_of};
use crate::{Event, JSON as JSON_TYPE};

#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    specversion: String,
    id: String,
    source: String,
    /// The topic.
    #[serde(rename = "type")]
    pub(super) topic: String,
    /// RFC 3339.
    time: Option<String>,
    /// Milliseconds since the recording began: an extension. As an integer of CloudEvents it overflows after
    /// 24 days.
    pub(super) elapsed: Option<f64>,
    /// How it was delivered, the [name](words_of) of a delivery: an extension, as are the following.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    /// The offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    /// The code of a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The account that has published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authid: Option<String>,
    datacontenttype: Option<String>,
    data_base64: Option<String>,
    /// Serialized as a JSON value.
    #[serde(skip)]
    data: Option<JsValue>,
}

/// The stage of an event with a code and a reason.
const REJECTED: &str = "rejected";
/// The source of an event of this page: the attribute must not be empty (CloudEvents 1.0, 3.1.1).
const THIS_PAGE: &str = "/";

impl Line {
    pub(super) fn of(recorded: &Recorded<Event>) -> Result<Self, DataError> {
        let event = &recorded.event.payload;
        let bytes = event.payload().to_bytes()?;
        let is_json = bytes.is_json();
        let source = if event.source().is_empty() { THIS_PAGE } else { event.source() };
        let (stage, details) = words_of(event.delivery());
        let none = || [const { None }; 3];
        let (position, rejection) =
            if stage == REJECTED { (none(), details) } else { (details, none()) };
        let ([stream, epoch, sequence], [code, reason, _]) = (position, rejection);
        Ok(Self {
            specversion: "1.0".to_owned(),
            id: event.id().to_owned(),
            source: source.to_owned(),
            topic: event.topic().to_string(),
            time: event.time().and_then(rfc3339),
            stage: Some(stage.to_owned()),
            stream,
            epoch,
            sequence,
            code,
            reason,
            authid: event.account().map(str::to_owned),
            elapsed: i32::try_from(recorded.at.as_millis()).ok().map(f64::from),
            data: if is_json { Some(bytes.to_js()?) } else { None },
            data_base64: (!is_json).then(|| Base64::encode_string(&bytes.data)),
            datacontenttype: Some(bytes.content_type.into_owned()),
        })
    }

    pub(super) fn to_text(&self) -> Result<String, DataError> {
        let not_json = |thrown: JsValue| DataError::NotJson(text_of(&thrown));
        let line = self
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .map_err(|error| DataError::Serialize(error.to_string()))?;
        if let Some(data) = &self.data {
            Reflect::set(&line, &"data".into(), data).map_err(not_json)?;
        }
        Ok(JSON::stringify(&line).map_err(not_json)?.into())
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let line = JSON::parse(text).map_err(|thrown| text_of(&thrown))?;
        let data = Reflect::get(&line, &"data".into()).map_err(|thrown| text_of(&thrown))?;
        let mut parsed: Self = read(line)?;
        if parsed.specversion != "1.0" {
            return Err(format!("version {} of CloudEvents is not known", parsed.specversion));
        }
        parsed.data = (!data.is_undefined()).then_some(data);
        Ok(parsed)
    }

    /// When the event was published, in milliseconds since 1970, if the line contains that.
    pub(super) fn time(&self) -> Option<f64> {
        let time = Date::parse(self.time.as_deref()?);
        time.is_finite().then_some(time)
    }

    /// The event as it was delivered.
    pub(super) fn event(mut self, topic: Topic) -> Result<Event, String> {
        let time = self.time();
        let stage = self.stage.take().unwrap_or_default();
        let details = if stage == REJECTED {
            [self.code.take(), self.reason.take(), None]
        } else {
            [self.stream.take(), self.epoch.take(), self.sequence.take()]
        };
        let delivery = delivery_of(&stage, details);
        let source = Some(mem::take(&mut self.source)).filter(|source| source != THIS_PAGE);
        let attributes = [Some(mem::take(&mut self.id)), source, self.authid.take()];
        Ok(Event::recorded(topic, self.payload()?, attributes, time, delivery))
    }

    fn payload(self) -> Result<Payload, String> {
        let Some(data) = self.data_base64 else {
            return Ok(Payload::from_js(self.data.unwrap_or_default()));
        };
        let data = Base64::decode_vec(&data).map_err(|error| error.to_string())?;
        let content_type = self.datacontenttype.map_or(JSON_TYPE.into(), Into::into);
        Ok(Payload::from_bytes(Bytes { content_type, data: data.into() }))
    }
}

/// The times that RFC 3339 can represent: years have four digits.
const YEARS: std::ops::Range<f64> = -62_167_219_200_000.0..253_402_300_800_000.0;

fn rfc3339(time: f64) -> Option<String> {
    YEARS.contains(&time).then(|| Date::new(&time.into()).to_iso_string().into())
}
