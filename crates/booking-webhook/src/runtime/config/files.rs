//! The operator's own files: on disk beside the function, or in S3, so that changing one needs no deployment.

use std::{error::Error, fmt, path::PathBuf};

use aws_sdk_s3::operation::get_object::GetObjectError;

use crate::outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, from_sdk};

const READ: Call = Call { service: Service::ConfigurationFiles, operation: "read_file", effect: Effect::Repeatable };

/// A file on disk or an object in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileLocation {
    /// A path.
    Path(PathBuf),
    /// `s3://bucket/key`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key, without a leading slash.
        key: String,
    },
}

/// A file that the environment names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{variable} ({location}) cannot be used")]
pub struct FileError {
    variable: &'static str,
    location: FileLocation,
    source: Box<dyn Error + Send + Sync>,
}

/// How files are reached.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// For objects.
    pub s3: &'a aws_sdk_s3::Client,
    /// The way to them.
    pub outbound: &'a Outbound,
    /// When they must have been read.
    pub deadline: &'a Deadline,
}

impl Files<'_> {
    /// What `parse` makes of the file that `variable` names; `None` when it names none.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, or `parse` refuses it.
    pub async fn load<T, E>(
        &self,
        variable: &'static str,
        location: Option<&FileLocation>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, FileError>
    where
        E: Error + Send + Sync + 'static,
    {
        let Some(location) = location else { return Ok(None) };
        let text = self.read(location).await;
        let parsed = text.and_then(|text| parse(&text).map_err(Into::into));
        parsed.map(Some).map_err(|source| FileError { variable, location: location.clone(), source })
    }

    async fn read(&self, location: &FileLocation) -> Result<String, Box<dyn Error + Send + Sync>> {
        let bytes = match location {
            FileLocation::Path(path) => std::fs::read(path)?,
            FileLocation::S3 { bucket, key } => {
                let once = || self.object(bucket, key, location);
                self.outbound.attempts(READ, self.deadline, once).await?
            }
        };
        Ok(String::from_utf8(bytes)?)
    }

    async fn object(&self, bucket: &str, key: &str, location: &FileLocation) -> Result<Answered<Vec<u8>>, CallError> {
        let object = self.s3.get_object().bucket(bucket).key(key).send().await;
        let object = object.map_err(|error| from_sdk::<GetObjectError>(READ, error))?;
        let content = object.body.collect().await.map_err(|error| {
            CallError::new(READ, Class::Transient, format!("lost the connection before the object was whole: {error}"))
        })?;
        Ok(Answered { status: 200, remote_id: Some(location.to_string()), value: content.to_vec() })
    }
}

impl FileLocation {
    pub(super) fn parse(value: &str) -> Self {
        match value.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) => Self::S3 { bucket: bucket.into(), key: key.into() },
            None => Self::Path(value.into()),
        }
    }
}

impl fmt::Display for FileLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(formatter),
            Self::S3 { bucket, key } => write!(formatter, "s3://{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_be_a_path_or_an_object() {
        let object = FileLocation::S3 { bucket: "jada".into(), key: "config/operator.toml".into() };
        for (text, location) in [
            ("/opt/operator.toml", FileLocation::Path("/opt/operator.toml".into())),
            ("s3://jada/config/operator.toml", object),
        ] {
            assert_eq!((FileLocation::parse(text), location.to_string().as_str()), (location, text));
        }
    }
}
