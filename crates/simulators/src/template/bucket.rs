//! The guest site's bucket: what is in it goes when the template says so.

use aws_sdk_s3::{
    Client,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
        CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    },
};
use serde::{Deserialize, de::IgnoredAny};

use super::{COMPLETE, properties};
use crate::aws::{CloudError, REGION, failed};

/// The properties of an `AWS::S3::Bucket`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Bucket {
    lifecycle_configuration: Lifecycle,
    /// A rehearsal goes without these: its emulator keeps everything in memory, and lets everybody read.
    #[serde(rename = "BucketEncryption")]
    _encryption: IgnoredAny,
    #[serde(rename = "PublicAccessBlockConfiguration")]
    _public_access: IgnoredAny,
    #[serde(rename = "OwnershipControls")]
    _ownership: IgnoredAny,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Lifecycle {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rule {
    id: String,
    status: String,
    #[serde(default)]
    prefix: String,
    expiration_in_days: Option<i32>,
    abort_incomplete_multipart_upload: Option<Abort>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Abort {
    days_after_initiation: i32,
}

impl Bucket {
    /// The bucket that the templates call `logical_id`.
    ///
    /// # Panics
    /// When they have no such bucket, or the bucket has a property that is not known here.
    #[must_use]
    pub fn in_template(logical_id: &str) -> Self {
        properties(logical_id)
    }

    /// Creates the bucket under the name `name`.
    ///
    /// # Errors
    /// When S3 refuses it or cannot be reached.
    pub async fn create(&self, client: &Client, name: &str) -> Result<(), CloudError> {
        let location = BucketLocationConstraint::from(REGION);
        let location = CreateBucketConfiguration::builder().location_constraint(location).build();
        let create = client.create_bucket().bucket(name).create_bucket_configuration(location);
        create.send().await.map_err(failed("create a bucket of the template"))?;
        let rules = self.lifecycle_configuration.rules.iter().map(Rule::definition).collect();
        let lifecycle = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect(COMPLETE);
        let put = client.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(lifecycle);
        put.send().await.map_err(failed("set the lifecycle of a bucket"))?;
        Ok(())
    }
}

impl Rule {
    fn definition(&self) -> LifecycleRule {
        let expiration = self.expiration_in_days.map(|days| LifecycleExpiration::builder().days(days).build());
        let abort = self.abort_incomplete_multipart_upload.as_ref().map(|abort| {
            AbortIncompleteMultipartUpload::builder().days_after_initiation(abort.days_after_initiation).build()
        });
        LifecycleRule::builder()
            .id(&self.id)
            .status(ExpirationStatus::from(self.status.as_str()))
            .filter(LifecycleRuleFilter::builder().prefix(&self.prefix).build())
            .set_expiration(expiration)
            .set_abort_incomplete_multipart_upload(abort)
            .build()
            .expect(COMPLETE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws::{s3_client, sdk_config},
        emulator::Emulator,
    };

    #[tokio::test]
    async fn the_guest_site_forgets_when_the_template_says_so() {
        let emulator = Emulator::shared().await.expect("ministack starts");
        let (client, name) =
            (s3_client(&sdk_config(&emulator.url())), format!("{:08x}.example.com", rand::random::<u32>()));
        let template = Bucket::in_template("Site");
        template.create(&client, &name).await.expect("a bucket");

        let described = client.get_bucket_lifecycle_configuration().bucket(name).send().await.expect("it has one");
        let read = |rule: &LifecycleRule| Rule {
            id: rule.id().unwrap_or_default().to_owned(),
            status: rule.status().to_string(),
            prefix: rule.filter().and_then(LifecycleRuleFilter::prefix).unwrap_or_default().to_owned(),
            expiration_in_days: rule.expiration().and_then(LifecycleExpiration::days),
            abort_incomplete_multipart_upload: rule
                .abort_incomplete_multipart_upload()
                .map(|abort| Abort { days_after_initiation: abort.days_after_initiation().unwrap_or_default() }),
        };
        let rules: Vec<Rule> = described.rules().iter().map(read).collect();
        assert_eq!(rules, template.lifecycle_configuration.rules);
        assert!(rules.iter().any(|rule| rule.prefix == "g/" && rule.expiration_in_days == Some(396)), "{rules:?}");
    }
}
