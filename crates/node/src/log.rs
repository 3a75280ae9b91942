//! Logs: text or JSON on stderr, and the same lines in a file that is set aside when it has grown. Warnings and errors
//! are counted.

use crate::config::{Log, LogFile};
use crate::metrics::Metrics;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Starts logging for the whole process, once. The environment variable `RUST_LOG` overrides the configured level.
pub fn start(log: &Log, metrics: &Metrics) -> io::Result<()> {
    let level = log.level.name();
    // Foreign crates are noisy below info; our own crates all have names that begin like this.
    let default = match level {
        "trace" | "debug" => format!("info,{}", OURS.map(|name| format!("{name}={level}")).join(",")),
        _ => level.to_owned(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let console = match log.json_console {
        true => tracing_subscriber::fmt::layer().json().with_writer(io::stderr).boxed(),
        false => tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).boxed(),
    };
    let file = match &log.file {
        Some(file) => {
            let writer = Rolling::open(file)?;
            Some(match log.json_console {
                true => tracing_subscriber::fmt::layer().json().with_writer(writer).boxed(),
                false => tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).boxed(),
            })
        }
        None => None,
    };
    let counted = Counted(metrics.clone());
    tracing_subscriber::registry()
        .with(filter)
        .with(console)
        .with(file)
        .with(counted)
        .try_init()
        .map_err(io::Error::other)
}

/// Starts logging to this file alone, at level info, for a process whose stderr is for people: a development network.
pub fn to_file(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(io::Error::other)
}

const OURS: [&str; 12] = [
    "node",
    "dodona",
    "driver",
    "store",
    "p2p",
    "p2p_proto",
    "evm",
    "evm_proto",
    "fetch",
    "market",
    "devchain",
    "ocr2",
];

/// Counts what an operator should look at.
struct Counted(Metrics);

impl<S: Subscriber> Layer<S> for Counted {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match *event.metadata().level() {
            Level::ERROR => self.0.on_error(),
            Level::WARN => self.0.on_warning(),
            _ => {}
        }
    }
}

/// A log file; clones write to the same one.
#[derive(Clone, Debug)]
struct Rolling(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    settings: LogFile,
    file: File,
    size: u64,
}

impl Rolling {
    fn open(settings: &LogFile) -> io::Result<Rolling> {
        fs::create_dir_all(&settings.dir)?;
        let (file, size) = append(settings)?;
        Ok(Rolling(Arc::new(Mutex::new(Open { settings: settings.clone(), file, size }))))
    }
}

fn append(settings: &LogFile) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(settings.dir.join(NAME))?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

const NAME: &str = "dodona.log";

impl Open {
    /// `dodona.log` becomes `dodona.log.1`, and so on up to the number of backups.
    fn roll(&mut self) -> io::Result<()> {
        let name = |index: u64| match index {
            0 => self.settings.dir.join(NAME),
            _ => self.settings.dir.join(format!("{NAME}.{index}")),
        };
        for index in (0..self.settings.backups_max).rev() {
            if name(index).exists() {
                fs::rename(name(index), name(index + 1))?;
            }
        }
        // Somebody may have removed it.
        if self.settings.backups_max == 0 && name(0).exists() {
            fs::remove_file(name(0))?;
        }
        (self.file, self.size) = append(&self.settings)?;
        Ok(())
    }
}

impl Write for &Rolling {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.size > 0 && open.size + line.len() as u64 > open.settings.size_max {
            open.roll()?;
        }
        open.file.write_all(line)?;
        open.size += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Rolling {
    type Writer = &'w Rolling;
    fn make_writer(&'w self) -> &'w Rolling {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_log_is_set_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogFile { dir: folder.path().join("log"), size_max: 10, backups_max: 2 };
        let log = Rolling::open(&settings).unwrap();
        for line in ["one two\n", "three\n", "four five\n", "six\n", "seven\n"] {
            (&log).write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(settings.dir.join(name)).unwrap();
        assert_eq!(read("dodona.log"), "six\nseven\n");
        assert_eq!(read("dodona.log.1"), "four five\n");
        assert_eq!(read("dodona.log.2"), "three\n");
        assert_eq!(fs::read_dir(&settings.dir).unwrap().count(), 3);
        drop(log);
        let again = Rolling::open(&settings).unwrap();
        (&again).write_all(b"eight\n").unwrap();
        assert_eq!((read("dodona.log"), read("dodona.log.1")), ("eight\n".into(), "six\nseven\n".into()));
    }
}
