//! Where guests' photos go: SCC hands out a form for each, S3 takes the file.

use reqwest::Url;

use crate::runtime::secrets::SccSecret;

/// Where the photos of one charter go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uploads {
    presign_url: String,
    /// For `connect-src`.
    sources: String,
}

impl Uploads {
    /// What `secret` knows of it; `None` when it knows no `presign_url`. `event_id` is SCC's id of the charter, `region` the one of the
    /// bucket if the secret names no bucket.
    pub(crate) fn of(secret: &SccSecret, event_id: &str, region: &str) -> Option<Self> {
        let presign_url = Url::parse(&secret.presign_url.as_ref()?.replace("{event_id}", event_id)).ok()?;
        let bucket = match secret.upload_url.as_ref().and_then(|url| Url::parse(url).ok()) {
            Some(url) => one_bucket(&url),
            None => any_bucket(region),
        };
        let sources = format!("{} {bucket}", presign_url.origin().ascii_serialization());
        Some(Self { presign_url: presign_url.into(), sources })
    }

    /// What the page asks for a form.
    pub(super) fn presign_url(&self) -> &str {
        &self.presign_url
    }

    /// All that the page connects to: SCC's origin and the bucket.
    pub(super) fn sources(&self) -> &str {
        &self.sources
    }
}

/// A path without a slash at its end is meant exactly, one with a slash as a folder; forms are sent to either.
fn one_bucket(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    match url.path().trim_end_matches('/') {
        "" => origin,
        path => format!("{origin}{path} {origin}{path}/"),
    }
}

/// S3's hosts in a region, and the two of its first days that SDKs still sign forms for; the bucket in the host or in the path.
fn any_bucket(region: &str) -> String {
    format!(
        "https://*.s3.{region}.amazonaws.com https://s3.{region}.amazonaws.com https://*.s3.amazonaws.com https://s3.amazonaws.com"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploads(presign_url: &str, upload_url: Option<&str>) -> Option<Uploads> {
        let mut secret = serde_json::json!({ "url": "", "service_key": "", "presign_url": presign_url });
        secret["upload_url"] = upload_url.into();
        Uploads::of(&serde_json::from_value(secret).expect("valid"), "XHQGMDH1", "us-west-2")
    }

    const PRESIGN: &str = "https://a2.execute-api.us-west-2.amazonaws.com/prod/g/{event_id}/presign";

    #[test]
    fn the_page_connects_to_the_presign_origin_and_the_bucket_alone() {
        let origin = "https://a2.execute-api.us-west-2.amazonaws.com";
        for (upload_url, bucket) in [
            ("https://photos.s3.us-west-2.amazonaws.com/", "https://photos.s3.us-west-2.amazonaws.com"),
            ("https://s3.amazonaws.com/photos", "https://s3.amazonaws.com/photos https://s3.amazonaws.com/photos/"),
            ("http://127.0.0.1:4567/photos/", "http://127.0.0.1:4567/photos http://127.0.0.1:4567/photos/"),
        ] {
            let uploads = uploads(PRESIGN, Some(upload_url)).expect("it is known");
            assert_eq!(uploads.presign_url(), format!("{origin}/prod/g/XHQGMDH1/presign"));
            assert_eq!(uploads.sources(), format!("{origin} {bucket}"));
        }
    }

    #[test]
    fn a_bucket_that_nobody_names_is_one_of_the_regions() {
        let sources = uploads(PRESIGN, None).expect("it is known").sources;
        assert!(
            sources.contains("https://*.s3.us-west-2.amazonaws.com https://s3.us-west-2.amazonaws.com"),
            "{sources}"
        );
    }

    #[test]
    fn without_an_endpoint_there_are_no_uploads() {
        let secret = serde_json::json!({ "url": "", "service_key": "" });
        let secret: SccSecret = serde_json::from_value(secret).expect("valid");
        assert_eq!(Uploads::of(&secret, "XHQGMDH1", "us-west-2"), None);
    }
}
