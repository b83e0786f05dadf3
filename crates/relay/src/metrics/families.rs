//! Registers families. The values of their labels are known from the start, so that nothing looks up a label when an
//! event is counted.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

type Labels = Vec<(&'static str, String)>;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Families(Registry);

impl Default for Families {
    fn default() -> Self {
        Self(Registry::with_prefix("event_relay"))
    }
}

impl Families {
    pub(super) fn registry(self) -> Registry {
        self.0
    }

    pub(super) fn info(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        value: &'static str,
    ) {
        self.0.register(name, help, Info::new(vec![(label, value)]));
    }

    pub(super) fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, help, counter.clone());
        counter
    }

    pub(super) fn bytes_counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register_with_unit(name, help, Unit::Bytes, counter.clone());
        counter
    }

    /// A counter for each value of a label, in the order of the values.
    pub(super) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [&str; N],
    ) -> [Counter; N] {
        let family = Family::<Labels, Counter>::default();
        self.0.register(name, help, family.clone());
        values.map(|value| family.get_or_create(&vec![(label, value.to_owned())]).clone())
    }

    /// A counter for each pair of values of two labels.
    pub(super) fn pairs<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; 2],
        values: [[&str; 2]; N],
    ) -> [Counter; N] {
        let family = Family::<Labels, Counter>::default();
        self.0.register(name, help, family.clone());
        values.map(|values| {
            let labels = labels.into_iter().zip(values.map(str::to_owned)).collect();
            family.get_or_create(&labels).clone()
        })
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register(name, help, gauge.clone());
        gauge
    }

    pub(super) fn bytes_gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register_with_unit(name, help, Unit::Bytes, gauge.clone());
        gauge
    }

    pub(super) fn seconds_gauge(&mut self, name: &str, help: &str) -> Gauge<f64, AtomicU64> {
        let gauge = Gauge::default();
        self.0.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        gauge
    }

    /// A gauge for each value of a label, in the order of the values.
    pub(super) fn gauges<'v>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        label: &'static str,
        values: impl IntoIterator<Item = &'v str>,
    ) -> Box<[Gauge]> {
        let family = Family::<Labels, Gauge>::default();
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, family.clone()),
            None => self.0.register(name, help, family.clone()),
        }
        let values = values.into_iter();
        values.map(|value| family.get_or_create(&vec![(label, value.to_owned())]).clone()).collect()
    }

    /// The same for counters, when the values are known only at the start of the relay.
    pub(super) fn counters_of<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = &'v str>,
    ) -> Box<[Counter]> {
        let family = Family::<Labels, Counter>::default();
        self.0.register(name, help, family.clone());
        let values = values.into_iter();
        values.map(|value| family.get_or_create(&vec![(label, value.to_owned())]).clone()).collect()
    }

    /// A histogram with these upper bounds.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        bounds: impl IntoIterator<Item = f64>,
    ) -> Histogram {
        let histogram = Histogram::new(bounds);
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, histogram.clone()),
            None => self.0.register(name, help, histogram.clone()),
        }
        histogram
    }
}
