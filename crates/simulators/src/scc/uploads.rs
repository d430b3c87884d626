//! Photos: guests send them straight to S3 with one short-lived form for each, crew look at them.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    config::{Credentials, Region},
    presigning::PresigningConfig,
};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use data_encoding::{BASE64, HEXLOWER};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::aws;

/// The largest photo or film, in bytes.
pub(crate) const MAX_BYTES: u64 = 25 * 1024 * 1024;
/// What is taken: JPEG, PNG, WebP, HEIC, HEIF, MP4, MOV.
pub(crate) const TYPES: [&str; 7] =
    ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "video/mp4", "video/quicktime"];

const FORM_MINUTES: i64 = 15;
const SHOW_FOR: Duration = Duration::from_secs(15 * 60);
const FILENAME_KEPT: usize = 80;
const PHOTOS_SHOWN: i32 = 200;
const SHOWN_IN_A_PAGE: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// Where uploads go, and the credentials that sign for them.
#[derive(Clone)]
pub struct Uploads {
    /// S3's URL.
    pub endpoint_url: String,
    /// The bucket for uploads.
    pub bucket: String,
    /// The region that signatures name.
    pub region: String,
    /// The access key id; the emulator verifies forms only by `test`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// What credentials of a role have beside these, and a user's have not.
    pub session_token: Option<String>,
}

/// What a browser asks a form for.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
}

/// An S3 presigned POST.
#[derive(Debug, Serialize)]
pub(crate) struct Form {
    url: String,
    fields: BTreeMap<&'static str, String>,
    key: String,
}

/// A photo or film that was uploaded.
#[derive(Debug, Serialize)]
pub(crate) struct Photo {
    name: String,
    url: String,
    shown: bool,
}

impl Form {
    /// The same form for the bucket at another address: what is signed does not name the host.
    pub(crate) fn sent_to(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }
}

impl Uploads {
    /// A form for exactly this file, valid 15 minutes.
    pub(crate) fn form(&self, event_id: &str, wanted: &Wanted, now: Timestamp) -> Form {
        let random = HEXLOWER.encode(&rand::random::<[u8; 8]>());
        let key = format!("{}{random}-{}", folder(event_id), sanitised(&wanted.filename));
        let day = now.strftime("%Y%m%d").to_string();
        let mut fields = BTreeMap::from([
            ("key", key.clone()),
            ("Content-Type", wanted.content_type.clone()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", format!("{}/{day}/{}/s3/aws4_request", self.access_key_id, self.region)),
            ("x-amz-date", now.strftime("%Y%m%dT%H%M%SZ").to_string()),
        ]);
        if let Some(token) = &self.session_token {
            fields.insert("x-amz-security-token", token.clone());
        }
        let mut conditions: Vec<_> = fields.iter().map(|(name, value)| json!({ *name: value })).collect();
        conditions.extend([json!({ "bucket": self.bucket }), json!(["content-length-range", 1, wanted.bytes])]);
        let expiration = (now + FORM_MINUTES.minutes()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let policy =
            BASE64.encode(json!({ "expiration": expiration, "conditions": conditions }).to_string().as_bytes());

        let signing_key = generate_signing_key(&self.secret_access_key, SystemTime::from(now), &self.region, "s3");
        fields.insert("x-amz-signature", calculate_signature(signing_key, policy.as_bytes()));
        fields.insert("policy", policy);
        Form { url: format!("{}/{}", self.endpoint_url, self.bucket), fields, key }
    }

    fn client(&self) -> aws_sdk_s3::Client {
        let (id, secret) = (self.access_key_id.as_str(), self.secret_access_key.as_str());
        let credentials = Credentials::new(id, secret, self.session_token.clone(), None, "uploads");
        let configuration = aws_sdk_s3::config::Builder::from(&aws::sdk_config(&self.endpoint_url))
            .region(Region::new(self.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(true);
        aws_sdk_s3::Client::from_conf(configuration.build())
    }

    /// What was uploaded for the event; `None` when S3 does not tell.
    pub(crate) async fn photos(&self, event_id: &str) -> Option<Vec<Photo>> {
        let client = self.client();
        let prefix = folder(event_id);
        let listed =
            client.list_objects_v2().bucket(&self.bucket).prefix(&prefix).max_keys(PHOTOS_SHOWN).send().await.ok()?;
        let mut photos = Vec::new();
        for key in listed.contents().iter().filter_map(|object| object.key()) {
            let Some((_random, name)) = key.strip_prefix(&prefix).and_then(|name| name.split_once('-')) else {
                continue;
            };
            let presigning = PresigningConfig::expires_in(SHOW_FOR).ok()?;
            let request = client.get_object().bucket(&self.bucket).key(key).presigned(presigning).await.ok()?;
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            let shown = extension.is_some_and(|extension| SHOWN_IN_A_PAGE.contains(&extension.as_str()));
            photos.push(Photo { name: name.to_owned(), url: request.uri().to_owned(), shown });
        }
        Some(photos)
    }
}

fn folder(event_id: &str) -> String {
    format!("uploads/{event_id}/")
}

/// A name without path, spaces and surprises; its end is kept, because it has the extension.
fn sanitised(filename: &str) -> String {
    let name: Vec<char> = filename
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' })
        .collect();
    let name: String = name[name.len().saturating_sub(FILENAME_KEPT)..].iter().collect();
    match name.trim_start_matches(['.', '-']) {
        "" => "photo".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filenames_become_harmless() {
        for (filename, key) in [
            ("IMG_0001.HEIC", "IMG_0001.HEIC"),
            ("../../etc/passwd", "etc-passwd"),
            ("Böörd & sails.jpg", "B--rd---sails.jpg"),
            ("…", "photo"),
        ] {
            assert_eq!(sanitised(filename), key);
        }
        assert_eq!(sanitised(&format!("{}.jpg", "a".repeat(500))).len(), FILENAME_KEPT);
    }

    #[test]
    fn a_form_is_for_one_file_and_a_quarter_of_an_hour() {
        let uploads = Uploads {
            endpoint_url: "http://s3".to_owned(),
            bucket: "photos".to_owned(),
            region: "us-west-2".to_owned(),
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: Some("of a role".to_owned()),
        };
        let wanted = Wanted { filename: "a.jpg".to_owned(), content_type: "image/jpeg".to_owned(), bytes: 1000 };
        let form = uploads.form("XHQGMDH1", &wanted, "2025-05-30T21:00:00Z".parse().expect("a time"));

        assert!(form.key.starts_with("uploads/XHQGMDH1/") && form.key.ends_with("-a.jpg"));
        assert_eq!(form.fields["x-amz-credential"], "test/20250530/us-west-2/s3/aws4_request");
        let policy = BASE64.decode(form.fields["policy"].as_bytes()).expect("base64");
        let policy: serde_json::Value = serde_json::from_slice(&policy).expect("JSON");
        assert_eq!(policy["expiration"], "2025-05-30T21:15:00Z");
        let conditions = policy["conditions"].as_array().expect("a list");
        for condition in [
            json!({ "key": form.key }),
            json!({ "bucket": "photos" }),
            json!({ "x-amz-security-token": form.fields["x-amz-security-token"] }),
            json!(["content-length-range", 1, 1000]),
        ] {
            assert!(conditions.contains(&condition), "{condition}");
        }
    }
}
