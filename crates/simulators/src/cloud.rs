//! The operator's AWS account, inside the emulator.
//!
//! Every rehearsal gets names of its own, so that any number of them share one emulator without seeing each other.

use aws_sdk_cloudfront::types as cloudfront;
use serde::Serialize;
use serde_json::Value;

use crate::{
    aws::{CloudError, REGION, failed, s3_client, sdk_config},
    office::OfficeMailbox,
    template::{Bucket, Table},
};

const OBJECTS_AT_MOST: usize = 1_000;

/// An object of the guest site's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredObject {
    /// Where it lies: `g/XHQGMDH1.html`.
    pub key: String,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its `Cache-Control`.
    pub cache_control: Option<String>,
    /// Its content, when it is text; else `(n bytes)`.
    pub body: String,
}

/// What the edge was asked to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestedInvalidation {
    /// The paths, as they were given.
    pub paths: Vec<String>,
    /// What makes the request repeatable.
    pub caller_reference: String,
}

/// One account: its clients, and the names that are its own.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// For the guest pages and photos.
    pub s3: aws_sdk_s3::Client,
    /// For the ledger and the events of ShipCaptainCrew.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For the four secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// For the distribution and its invalidations.
    pub cloudfront: aws_sdk_cloudfront::Client,
    /// The guest site's bucket.
    pub bucket: String,
    /// The distribution in front of the bucket.
    pub distribution_id: String,
    /// `SCC_EVENTS_TABLE`.
    pub events_table: String,
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `SECRETS_PREFIX`.
    pub secrets_prefix: String,
    /// `NOTICES_TOPIC`, and what reaches the office by it.
    pub office: OfficeMailbox,
}

impl Cloud {
    /// An account with what the operator has (a bucket and a distribution in front of it) and what `infra/template.yaml`
    /// adds (the ledger): table and bucket as the templates describe them. There are no secrets yet, and none of ShipCaptainCrew's tables.
    ///
    /// # Errors
    /// When the emulator refuses one of them.
    pub async fn create(emulator_url: &str) -> Result<Self, CloudError> {
        Self::create_with_dynamodb(emulator_url, emulator_url).await
    }

    /// The same, with its tables in the DynamoDB at `dynamodb_url`.
    ///
    /// # Errors
    /// As [`Cloud::create`].
    pub async fn create_with_dynamodb(emulator_url: &str, dynamodb_url: &str) -> Result<Self, CloudError> {
        let sdk = sdk_config(emulator_url);
        let suffix = format!("{:08x}", rand::random::<u32>());
        let mut cloud = Self {
            s3: s3_client(&sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk_config(dynamodb_url)),
            secrets: aws_sdk_secretsmanager::Client::new(&sdk),
            cloudfront: aws_sdk_cloudfront::Client::new(&sdk),
            bucket: format!("{suffix}.queenofsandiego.com"), // With dots, as the real one.
            distribution_id: String::new(),
            events_table: format!("scc-events-{suffix}"),
            ledger_table: format!("ledger-{suffix}"),
            secrets_prefix: format!("booking-webhook-{suffix}"),
            office: OfficeMailbox::create(emulator_url, &format!("notices-{suffix}")).await?,
        };
        Bucket::in_template("Site").create(&cloud.s3, &cloud.bucket).await?;
        cloud.distribution_id = cloud.create_distribution().await?;
        Table::in_template("Ledger").create(&cloud.dynamodb, &cloud.ledger_table).await?;
        Ok(cloud)
    }

    async fn create_distribution(&self) -> Result<String, CloudError> {
        let created =
            self.cloudfront.create_distribution().distribution_config(distribution(&self.bucket)).send().await;
        let distribution = created.map_err(failed("create the distribution"))?.distribution;
        Ok(distribution.expect("what was created is described").id)
    }

    /// Puts the secret `{prefix}/{name}`, new or again. A string goes as it is, so that it can be something else than JSON.
    ///
    /// # Errors
    /// When Secrets Manager refuses it.
    pub async fn put_secret(&self, name: &str, value: &Value) -> Result<(), CloudError> {
        let id = self.secret_id(name);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let put = self.secrets.put_secret_value().secret_id(&id).secret_string(&text).send().await;
        match put {
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                let created = self.secrets.create_secret().name(id).secret_string(text).send().await;
                created.map(drop).map_err(failed("create the secret"))
            }
            put => put.map(drop).map_err(failed("put the secret")),
        }
    }

    /// The secret `{prefix}/{name}`; a string when it is not JSON.
    ///
    /// # Errors
    /// When there is none.
    pub async fn secret(&self, name: &str) -> Result<Value, CloudError> {
        let got = self.secrets.get_secret_value().secret_id(self.secret_id(name)).send().await;
        let text = got.map_err(failed("get the secret"))?.secret_string.unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn secret_id(&self, name: &str) -> String {
        format!("{}/{name}", self.secrets_prefix)
    }

    /// The content of any object.
    ///
    /// # Errors
    /// When there is none.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, CloudError> {
        let object = self.s3.get_object().bucket(bucket).key(key).send().await.map_err(failed("get an object"))?;
        Ok(object.body.collect().await.map_err(failed("read an object"))?.to_vec())
    }

    /// Puts a picture into the guest site's bucket with the headers that a deployment gives it (`scripts/account/link_pictures.py`).
    ///
    /// # Errors
    /// When S3 refuses it.
    pub async fn put_picture(&self, key: &str, png: Vec<u8>) -> Result<(), CloudError> {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).content_type("image/png");
        let put = put.cache_control("public, max-age=86400").body(png.into()).send().await;
        put.map(drop).map_err(failed("put a picture"))
    }

    /// Everything in the bucket, by key; a thousand objects at most.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn objects(&self) -> Result<Vec<StoredObject>, CloudError> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).max_keys(1_000).send().await;
        let keys = list.map_err(failed("list the bucket"))?.contents.unwrap_or_default();
        let mut objects = Vec::new();
        for key in keys.into_iter().filter_map(|object| object.key).take(OBJECTS_AT_MOST) {
            let object =
                self.s3.get_object().bucket(&self.bucket).key(&key).send().await.map_err(failed("get an object"))?;
            let (content_type, cache_control) = (object.content_type, object.cache_control);
            let body = object.body.collect().await.map_err(failed("read an object"))?.into_bytes();
            let body =
                String::from_utf8(body.into()).unwrap_or_else(|binary| format!("({} bytes)", binary.as_bytes().len()));
            objects.push(StoredObject { key, content_type, cache_control, body });
        }
        Ok(objects)
    }

    /// Somebody has the edge forget these paths, by hand.
    ///
    /// # Errors
    /// When CloudFront's control plane refuses it.
    ///
    /// # Panics
    /// When there is no path.
    pub async fn forget_at_the_edge(&self, paths: &[&str]) -> Result<(), CloudError> {
        let items = paths.iter().map(|&path| path.to_owned()).collect();
        let quantity = i32::try_from(paths.len()).expect("few paths");
        let paths = cloudfront::Paths::builder().quantity(quantity).set_items(Some(items)).build().expect("paths");
        let reference = format!("by-hand-{:08x}", rand::random::<u32>());
        let batch = cloudfront::InvalidationBatch::builder().paths(paths).caller_reference(reference).build();
        let request = self.cloudfront.create_invalidation().distribution_id(&self.distribution_id);
        let sent = request.invalidation_batch(batch.expect("all that is required is set")).send().await;
        sent.map(drop).map_err(failed("invalidate"))
    }

    /// The invalidations of the distribution, oldest first.
    ///
    /// # Errors
    /// When CloudFront's control plane does not answer.
    pub async fn invalidations(&self) -> Result<Vec<RequestedInvalidation>, CloudError> {
        let id = &self.distribution_id;
        let list = self.cloudfront.list_invalidations().distribution_id(id).send().await;
        let list = list.map_err(failed("list the invalidations"))?.invalidation_list;
        let mut requested = Vec::new();
        for summary in list.and_then(|list| list.items).unwrap_or_default() {
            let got = self.cloudfront.get_invalidation().distribution_id(id).id(summary.id).send().await;
            let got = got.map_err(failed("get an invalidation"))?.invalidation;
            let Some(batch) = got.and_then(|invalidation| invalidation.invalidation_batch) else { continue };
            let paths = batch.paths.and_then(|paths| paths.items).unwrap_or_default();
            requested.push(RequestedInvalidation { paths, caller_reference: batch.caller_reference });
        }
        Ok(requested)
    }
}

/// The bucket as the only origin. What the edge does with a request is `edge`'s business.
fn distribution(bucket: &str) -> cloudfront::DistributionConfig {
    let complete = "all that is required is set";
    let origin = cloudfront::Origin::builder()
        .id(bucket)
        .domain_name(format!("{bucket}.s3.{REGION}.amazonaws.com"))
        .s3_origin_config(cloudfront::S3OriginConfig::builder().origin_access_identity("").build())
        .build()
        .expect(complete);
    let behaviour = cloudfront::DefaultCacheBehavior::builder()
        .target_origin_id(bucket)
        .viewer_protocol_policy(cloudfront::ViewerProtocolPolicy::RedirectToHttps)
        .build()
        .expect(complete);
    cloudfront::DistributionConfig::builder()
        .caller_reference(bucket)
        .comment("guest site")
        .enabled(true)
        .origins(cloudfront::Origins::builder().quantity(1).items(origin).build().expect(complete))
        .default_cache_behavior(behaviour)
        .build()
        .expect(complete)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::emulator::Emulator;

    #[tokio::test]
    async fn four_secrets_come_in_one_batch_and_missing_ones_are_named() {
        let emulator = Emulator::shared().await.expect("ministack starts");
        let cloud = Cloud::create(&emulator.url()).await.expect("an account");
        cloud.put_secret("scc", &json!({ "service_key": "first" })).await.expect("a new secret");
        cloud.put_secret("scc", &json!({ "service_key": "second" })).await.expect("a rotated secret");
        cloud.put_secret("calendar", &json!("{ a typo")).await.expect("a secret that is no JSON");
        assert_eq!(cloud.secret("scc").await.expect("it is there"), json!({ "service_key": "second" }));
        assert_eq!(cloud.secret("calendar").await.expect("it is there"), json!("{ a typo"));

        let ids = ["webhook", "calendar", "scc", "guest-page"].map(|name| cloud.secret_id(name)).to_vec();
        let batch =
            cloud.secrets.batch_get_secret_value().set_secret_id_list(Some(ids)).send().await.expect("an answer");
        assert_eq!(batch.secret_values().len(), 2);
        assert!(batch.secret_values().iter().all(|secret| secret.name.is_some() && secret.version_id.is_some()));
        let missing: Vec<_> = batch.errors().iter().map(|error| (error.secret_id(), error.error_code())).collect();
        let (webhook, guest_page) = (cloud.secret_id("webhook"), cloud.secret_id("guest-page"));
        let code = Some("ResourceNotFoundException");
        assert_eq!(missing, [(Some(webhook.as_str()), code), (Some(guest_page.as_str()), code)]);
    }
}
