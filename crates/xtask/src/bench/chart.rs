//! The chart of the README: how fast this is compared with each peer. It is an SVG, drawn from the tables in the
//! documents of the benchmarks. Each benchmark that writes a table redraws it.

use super::table::{Row, rows_of};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Where the chart is, in the repository.
pub const FILE: &str = "docs/speed.svg";

/// A part of the chart, from one document.
struct Section {
    title: &'static str,
    document: &'static str,
    /// What the ratios in the table mean.
    ratios: Ratios,
    bars: &'static [Bar],
}

enum Ratios {
    /// The peer's figure divided by ours: more is better.
    Speedups,
    /// Our figure divided by the peer's: less is better, unless the unit is events per second.
    OursByPeer,
}

/// A row of the table, and what the chart calls it.
struct Bar {
    on: &'static str,
    work: &'static str,
    label: &'static str,
    peer: &'static str,
}

const fn bar(on: &'static str, work: &'static str, label: &'static str, peer: &'static str) -> Bar {
    Bar { on, work, label, peer }
}

const SECTIONS: [Section; 3] = [
    Section {
        title: "npm package in Chromium: time",
        document: "benches/js/BENCHMARKS.md",
        ratios: Ratios::Speedups,
        bars: &[
            bar("Chromium", "to 1, beside mitt", "1 listener", "mitt"),
            bar("Chromium", "to 1, beside eventemitter3", "1 listener", "eventemitter3"),
            bar(
                "Chromium",
                "to 10, beside the fastest of mitt, eventemitter3",
                "10 listeners",
                "mitt or eventemitter3",
            ),
            bar(
                "Chromium",
                "1,000 patterns, repeating topics, beside eventemitter2",
                "1,000 wildcards",
                "eventemitter2",
            ),
            bar(
                "Chromium",
                "1,000 patterns, fresh topics that none matches, beside eventemitter2",
                "topics without listeners",
                "eventemitter2",
            ),
            bar(
                "Chromium",
                "subscribe and end, 10,000 standing, beside mitt",
                "subscribe and end",
                "mitt",
            ),
        ],
    },
    Section {
        title: "Bus in Rust: time",
        document: "crates/bus/BENCHMARKS.md",
        ratios: Ratios::OursByPeer,
        bars: &[
            bar("native", "to 1, beside tokio::sync::broadcast", "1 subscriber", "tokio broadcast"),
            bar("native", "to 100, beside async-broadcast", "100 subscribers", "async-broadcast"),
        ],
    },
    Section {
        title: "Relay over WebSocket: CPU time",
        document: "crates/relay/BENCHMARKS.md",
        ratios: Ratios::OursByPeer,
        bars: &[
            bar(
                "Linux",
                "ephemeral, one in flight, beside nats-server: CPU per message",
                "1 to 1",
                "nats-server",
            ),
            bar(
                "Linux",
                "ephemeral, 1 to 100, beside nats-server: CPU per delivery",
                "1 to 100",
                "nats-server",
            ),
            bar(
                "Linux",
                "ephemeral, 1 to 100, beside socket.io: CPU per delivery",
                "1 to 100",
                "Socket.IO",
            ),
            bar(
                "Linux",
                "ephemeral, 100 to 1, beside nats-server: CPU per message",
                "100 to 1",
                "nats-server",
            ),
            bar(
                "Linux",
                "resume of 1,000 missed, beside nats-server: time",
                "resume (time)",
                "nats-server",
            ),
            bar(
                "Linux",
                "an idle connection, beside nats-server's",
                "idle connection (memory)",
                "nats-server",
            ),
            bar(
                "Linux",
                "durable, 256 in flight, acked after fsync, beside JetStream on file",
                "durable events a second",
                "JetStream*",
            ),
        ],
    },
];

/// How many times as fast as the peer, with the 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factor {
    median: f64,
    low: f64,
    high: f64,
}

impl Section {
    fn factor(&self, row: &Row) -> Result<Factor> {
        let [median, low, high] = row.ratio.context("a row of the chart has no ratio")?;
        let more_is_better = match self.ratios {
            Ratios::Speedups => true,
            Ratios::OursByPeer => row.unit == "/s",
        };
        if more_is_better {
            return Ok(Factor { median, low, high });
        }
        // Two decimals are too few for a ratio of 0.02; the medians are more precise.
        let Some(peer) = row.peer.filter(|_| median < 0.1) else {
            return Ok(Factor { median: 1.0 / median, low: 1.0 / high, high: 1.0 / low });
        };
        let factor = peer / row.ours;
        Ok(Factor { median: factor, low: factor, high: factor })
    }
}

/// Draws the chart from the documents.
pub fn draw(workspace: &Workspace) -> Result<()> {
    let file = workspace.root.join(FILE);
    fs::write(&file, svg(&workspace.root)?)
        .with_context(|| format!("{} could not be written", file.display()))
}

const WIDTH: f64 = 860.0;
/// Labels are left of this, bars right of it.
const LEFT: f64 = 330.0;
const RIGHT: f64 = 790.0;
const LINE: f64 = 22.0;
const TICKS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Where a factor is on the logarithmic axis.
fn x(factor: f64) -> f64 {
    let [first, last] = [TICKS[0], TICKS[TICKS.len() - 1]];
    LEFT + (factor.clamp(first, last) / first).log2() / (last / first).log2() * (RIGHT - LEFT)
}

fn svg(root: &Path) -> Result<String> {
    let mut body = String::new();
    let mut y = 58.0;
    for section in &SECTIONS {
        y += 8.0;
        let _ = writeln!(body, "<text class=\"title\" x=\"16\" y=\"{y}\">{}</text>", section.title);
        y += LINE;
        let document = root.join(section.document);
        let text = fs::read_to_string(&document)
            .with_context(|| format!("{} could not be read", document.display()))?;
        let rows = rows_of(&text);
        for bar in section.bars {
            let row = rows.iter().find(|row| row.on == bar.on && row.work == bar.work);
            let row = row.with_context(|| {
                format!("{} has no row for the chart: {}, {}", section.document, bar.on, bar.work)
            })?;
            draw_bar(&mut body, bar, section.factor(row)?, y);
            y += LINE;
        }
        y += 6.0;
    }
    let (mut axis, bottom) = (String::new(), y - 12.0);
    for tick in TICKS {
        let (class, at) = (if tick == 1.0 { "one" } else { "tick" }, x(tick));
        let _ = writeln!(
            axis,
            "<path class=\"{class}\" d=\"M{at:.1} 46V{bottom}\"/>\
             <text class=\"scale\" x=\"{at:.1}\" y=\"40\">{tick}x</text>"
        );
    }
    let note = bottom + 16.0;
    let _ = writeln!(
        axis,
        "<text class=\"note\" x=\"16\" y=\"{note}\">* JetStream acks before it syncs to disk, the relay after. \
         Lines are 95 % intervals; grey bars are ties.</text>"
    );
    let height = note + 12.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"How many times as fast as each peer\">\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n\
         <text class=\"head\" x=\"16\" y=\"24\">Times as fast as the peer (right of 1x: event-driven-kit is faster)\
         </text>\n{axis}{body}</svg>\n"
    ))
}

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#20252b}.head{font-weight:600}\
    .title{font-weight:600;fill:#5c646d}.scale{text-anchor:middle;font-size:11px;fill:#5c646d}.note{font-size:11px;fill:#5c646d}\
    .peer{fill:#5c646d}.ground{fill:#fff}.tick{stroke:#e4e2dc}.one{stroke:#8a9099}\
    .faster{fill:#1f5c92}.even{fill:#8a9099}.slower{fill:#b8741a}.interval{stroke:#20252b;fill:none}\
    @media(prefers-color-scheme:dark){text{fill:#e6e8ea}.title,.scale,.note,.peer{fill:#a3abb4}.ground{fill:#20252b}\
    .tick{stroke:#30363d}.one{stroke:#6d7680}.faster{fill:#8fc0ee}.slower{fill:#e3b565}.interval{stroke:#e6e8ea}}";

/// Draws a bar from 1x to the factor, with the interval as a whisker. If the interval contains 1x, the bar is a tie.
fn draw_bar(body: &mut String, bar: &Bar, factor: Factor, y: f64) {
    let Factor { median, low, high } = factor;
    let class = match () {
        () if low > 1.0 => "faster",
        () if high < 1.0 => "slower",
        () => "even",
    };
    let (from, to) = (x(median.min(1.0)), x(median.max(1.0)));
    // A bar without a width would be invisible.
    let width = (to - from).max(2.0);
    let (top, middle) = (y - 10.0, y - 4.0);
    let _ = writeln!(
        body,
        "<text x=\"16\" y=\"{y}\">{} <tspan class=\"peer\">vs {}</tspan></text>\
         <rect class=\"{class}\" x=\"{from:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"12\" rx=\"2\"/>",
        bar.label, bar.peer
    );
    if high > low {
        let _ = writeln!(
            body,
            "<path class=\"interval\" d=\"M{:.1} {middle}H{:.1}\"/>",
            x(low),
            x(high)
        );
    }
    let shown = if median < 10.0 { format!("{median:.1}x") } else { format!("{median:.0}x") };
    let end = x(high.max(1.0)) + 6.0;
    let _ = writeln!(body, "<text x=\"{end:.1}\" y=\"{y}\">{shown}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The benchmarks redraw the file whenever they write a document.
    #[test]
    fn the_chart_in_the_repository_shows_the_rows_of_the_documents() {
        let root = Workspace::locate().unwrap().root;
        let drawn = fs::read_to_string(root.join(FILE)).unwrap();
        assert_eq!(drawn, svg(&root).unwrap(), "draw it: `cargo xtask bench chart`");
    }

    #[test]
    fn less_time_and_more_events_a_second_are_both_faster() {
        let row = |unit: &str, ours, peer, ratio| Row {
            on: "Linux".into(),
            work: "work".into(),
            unit: unit.into(),
            ours,
            peer: Some(peer),
            ratio: Some(ratio),
            bar: String::new(),
            met: None,
        };
        let [_, _, relay] = &SECTIONS;
        let time = relay.factor(&row("ns", 50.0, 100.0, [0.5, 0.4, 0.8])).unwrap();
        assert_eq!(time, Factor { median: 2.0, low: 1.25, high: 2.5 });
        let rate = relay.factor(&row("/s", 50.0, 100.0, [0.5, 0.4, 0.8])).unwrap();
        assert_eq!(rate, Factor { median: 0.5, low: 0.4, high: 0.8 });
        let far = relay.factor(&row("ns", 2.0, 108.0, [0.02, 0.02, 0.02])).unwrap();
        assert_eq!(far.median, 54.0);
    }

    #[test]
    fn a_factor_beyond_the_axis_stays_on_the_chart() {
        assert_eq!(x(1000.0), RIGHT);
        assert_eq!(x(0.01), LEFT);
        assert!(x(1.0) < x(2.0));
    }
}
