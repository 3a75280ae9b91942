//! Finding vector files and reading their cases one by one.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::limits::{FILE_BYTES_MAX, FILES_MAX, FOLDER_DEPTH_MAX};

/// Every kind of file that can be run: its folder, its name without `.json`, and its form.
pub const KINDS: &[Kind] = &[
    Kind::cases("ocr2", "config_digest"),
    Kind::cases("ocr2", "follower"),
    Kind::cases("ocr2", "leaders"),
    Kind::cases("ocr2", "limits"),
    Kind::cases("ocr2", "median_config"),
    Kind::cases("ocr2", "median_decode"),
    Kind::cases("ocr2", "median_deviates"),
    Kind::cases("ocr2", "median_observation"),
    Kind::cases("ocr2", "median_report"),
    Kind::cases("ocr2", "median_sort"),
    Kind::cases("ocr2", "messages"),
    Kind::cases("ocr2", "offchain_config"),
    Kind::cases("ocr2", "pacemaker"),
    Kind::cases("ocr2", "schedule"),
    Kind::cases("ocr2", "signatures"),
    Kind::cases("p2p", "announcement"),
    Kind::cases("p2p", "frames"),
    Kind::cases("p2p", "knock"),
    Kind::cases("p2p", "peer_id"),
    Kind::cases("p2p", "stream_names"),
    Kind::cases("p2p", "tls_cert"),
    Kind::cases("p2p", "token_bucket"),
    Kind::whole("p2p", "transcript_new"),
    Kind::whole("p2p", "transcript_old"),
];

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub folder: &'static str,
    pub name: &'static str,
    pub form: Form,
}

/// How a file holds its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{"about": text, "cases": [...]}`.
    Cases,
    /// The whole file is one case.
    Whole,
}

impl Kind {
    const fn cases(folder: &'static str, name: &'static str) -> Self {
        Self { folder, name, form: Form::Cases }
    }

    const fn whole(folder: &'static str, name: &'static str) -> Self {
        Self { folder, name, form: Form::Whole }
    }

    /// The kind that folder and name tell, if we know it.
    pub fn of(path: &Path) -> Result<Option<Self>, FileError> {
        // A path relative to the folder itself does not name the folder.
        let full = fs::canonicalize(path)?;
        let folder = full.parent().and_then(Path::file_name);
        let name = full.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
        let is = |kind: &&Self| Some(kind.folder.as_ref()) == folder && Some(kind.name) == name;
        Ok(KINDS.iter().find(is).copied())
    }
}

/// `path` itself if it is a file; else every `.json` file below it, by name.
pub fn vector_files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if fs::metadata(path)?.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    let mut entries_left = FILES_MAX;
    collect(path, FOLDER_DEPTH_MAX, &mut entries_left, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, depth: usize, left: &mut usize, files: &mut Vec<PathBuf>) -> Result<(), FileError> {
    let depth = depth.checked_sub(1).ok_or(FileError::TooDeep)?;
    for entry in fs::read_dir(folder)? {
        *left = left.checked_sub(1).ok_or(FileError::TooMany)?;
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, depth, left, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Hands every case of a file to `run` as it is read.
pub fn for_each_case(path: &Path, form: Form, run: impl FnMut(&Value)) -> Result<(), FileError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > FILE_BYTES_MAX {
        return Err(FileError::TooLong { got: length });
    }
    // Bounded again, for what grows while it is read.
    let reader = BufReader::new(file.take(FILE_BYTES_MAX));
    let mut json = serde_json::Deserializer::from_reader(reader);
    match form {
        Form::Whole => {
            let mut run = run;
            run(&serde::Deserialize::deserialize(&mut json)?);
        }
        Form::Cases => Document(run).deserialize(&mut json)?,
    }
    json.end()?;
    Ok(())
}

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    #[error("{got} bytes, allowed are {FILE_BYTES_MAX}")]
    TooLong { got: u64 },
    /// With line and column.
    #[error("not a vector file: {0}")]
    Json(#[from] serde_json::Error),
    #[error("more than {FILES_MAX} entries below this folder: is it one of vectors?")]
    TooMany,
    #[error("folders nested more than {FOLDER_DEPTH_MAX} deep: is it a folder of vectors?")]
    TooDeep,
}

/// Reads `{"about": …, "cases": […]}`.
struct Document<F>(F);

impl<'de, F: FnMut(&Value)> DeserializeSeed<'de> for Document<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&Value)> Visitor<'de> for Document<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with a list of cases")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "about" => {
                    map.next_value::<IgnoredAny>()?;
                }
                "cases" => {
                    seen = true;
                    map.next_value_seed(Cases(&mut self.0))?;
                }
                unknown => return Err(A::Error::custom(format!("unknown field {unknown:?} beside the cases"))),
            }
        }
        if seen { Ok(()) } else { Err(A::Error::missing_field("cases")) }
    }
}

struct Cases<'a, F>(&'a mut F);

impl<'de, F: FnMut(&Value)> DeserializeSeed<'de> for Cases<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Value)> Visitor<'de> for Cases<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of cases")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cases: A) -> Result<(), A::Error> {
        while let Some(case) = cases.next_element::<Value>()? {
            (self.0)(&case);
        }
        Ok(())
    }
}
