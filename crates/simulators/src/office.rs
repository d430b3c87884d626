//! The office's mailbox: what arrives when something is published to the topic of notices.
//!
//! The emulator's SNS keeps nothing and mails nobody, so a queue subscribes to the topic in the office's place, and is looked
//! into without taking anything out. A mail is there as soon as `Publish` is answered.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{CloudError, REGION, TEST_CREDENTIAL, failed, loopback_client};

/// The account that the emulator plays.
const ACCOUNT: &str = "000000000000";

/// A mail to the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeMail {
    /// The subject; empty when the notice has none.
    pub subject: String,
    /// The words.
    pub text: String,
}

/// A topic with one subscriber, the office.
#[derive(Clone, Debug)]
pub struct OfficeMailbox {
    client: reqwest::Client,
    emulator_url: String,
    name: String,
}

/// What SNS puts around a message.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Subject", default)]
    subject: String,
    #[serde(rename = "Message")]
    message: String,
}

impl OfficeMailbox {
    /// Makes the topic `name`, and has the office subscribe to it.
    ///
    /// # Errors
    /// When the emulator refuses one of the steps.
    pub(crate) async fn create(emulator_url: &str, name: &str) -> Result<Self, CloudError> {
        let mailbox = Self { client: loopback_client(), emulator_url: emulator_url.to_owned(), name: name.to_owned() };
        let (topic, queue) = (mailbox.topic_arn(), format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"));
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
            "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
        }] });
        mailbox.ask("sns", &[("Action", "CreateTopic"), ("Name", name)]).await?;
        let attribute = [("Attribute.1.Name", "Policy"), ("Attribute.1.Value", &policy.to_string())];
        let create = [("Action", "CreateQueue"), ("QueueName", name)].into_iter().chain(attribute);
        mailbox.ask("sqs", &create.collect::<Vec<_>>()).await?;
        let subscribe =
            [("Action", "Subscribe"), ("TopicArn", &topic), ("Protocol", "sqs"), ("Endpoint", queue.as_str())];
        mailbox.ask("sns", &subscribe).await?;
        Ok(mailbox)
    }

    /// `NOTICES_TOPIC`.
    #[must_use]
    pub fn topic_arn(&self) -> String {
        format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", self.name)
    }

    /// The mails so far, oldest first.
    ///
    /// # Errors
    /// When the emulator does not tell.
    pub async fn mails(&self) -> Result<Vec<OfficeMail>, CloudError> {
        let queue = format!("{}/{ACCOUNT}/{}", self.emulator_url, self.name);
        let query = encoded(&[("QueueUrl", &queue)]);
        let look = self.client.get(format!("{}/_ministack/sqs/messages?{query}", self.emulator_url));
        let answer = look.send().await.and_then(reqwest::Response::error_for_status);
        let kept: Value =
            answer.map_err(failed("look into the office's mailbox"))?.json().await.map_err(failed("read it"))?;
        let messages = kept["messages"][ACCOUNT][REGION][&queue].as_array().cloned().unwrap_or_default();
        let mail = |message: &Value| {
            let envelope = serde_json::from_str(message["Body"].as_str().unwrap_or_default());
            envelope.map(|Envelope { subject, message }| OfficeMail { subject, text: message })
        };
        messages.iter().map(mail).collect::<Result<_, _>>().map_err(failed("read a mail to the office"))
    }

    /// AWS's query protocol, as far as the emulator looks at it: unsigned, for the service in the scope of the credential.
    async fn ask(&self, service: &str, form: &[(&str, &str)]) -> Result<(), CloudError> {
        let scope = format!("AWS4-HMAC-SHA256 Credential={TEST_CREDENTIAL}/20310101/{REGION}/{service}/aws4_request");
        let request = self.client.post(&self.emulator_url).header(AUTHORIZATION, scope).body(encoded(form));
        let answer = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        answer.map(drop).map_err(failed(form[0].1))
    }
}

fn encoded(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws_gateway::AwsGateway,
        emulator::Emulator,
        traffic::{Fault, Service, Traffic},
    };

    #[tokio::test]
    async fn a_published_notice_is_in_the_mailbox_and_in_no_other() {
        let emulator = Emulator::shared().await.expect("ministack starts");
        let (url, traffic) = (emulator.url(), Traffic::new());
        let gateway = AwsGateway::start(traffic.clone(), &url, &url).await.expect("a free port");
        let name = format!("notices-{:08x}", rand::random::<u32>());
        let mailbox = OfficeMailbox::create(&url, &name).await.expect("a mailbox");
        let other = OfficeMailbox::create(&url, &format!("{name}-other")).await.expect("another");
        // The function's way: through the gateway.
        let function = OfficeMailbox { emulator_url: gateway.url(), ..mailbox.clone() };
        let topic = mailbox.topic_arn();
        let publish = async |subject: &str| {
            let form = [
                ("Action", "Publish"),
                ("TopicArn", topic.as_str()),
                ("Subject", subject),
                ("Message", "Dana · Wed Dec 9, 2:00 PM\nis not in the calendar"),
            ];
            function.ask("sns", &form).await
        };
        publish("BS-1 is parked").await.expect("it is published");
        traffic.fail_next(Service::Sns, "Publish", Fault::Answer { status: 503, acted: true, retry_after: None }, 1);
        publish("BS-2 is parked").await.expect_err("the answer is a 503, although it was published");

        let mails = mailbox.mails().await.expect("the mails");
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["BS-1 is parked", "BS-2 is parked"]);
        assert_eq!(mails[0].text, "Dana · Wed Dec 9, 2:00 PM\nis not in the calendar");
        assert_eq!(mailbox.mails().await.expect("looking takes nothing out"), mails);
        assert_eq!(other.mails().await.expect("the other's"), []);
        let calls = traffic.calls();
        let seen: Vec<_> = calls.iter().map(|call| (call.service, call.operation.as_str(), call.status)).collect();
        assert_eq!(seen, [(Service::Sns, "Publish", Some(200)), (Service::Sns, "Publish", Some(503))]);
    }
}
