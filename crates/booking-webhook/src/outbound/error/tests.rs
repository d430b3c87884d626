use super::*;

#[test]
fn the_table_of_classes() {
    use Effect::{Change, Create, Repeatable};
    let ended = Some(Class::Unknown { may_still_act: false });
    let may_still_act = Some(Class::Unknown { may_still_act: true });
    let (transient, denied, refused) = (Some(Class::Transient), Some(Class::Denied), Some(Class::Refused));
    let (gateway, aws) = (Service::Scc, Service::GuestPageBucket);
    for (statuses, service, effects, asked_to_wait, expected) in [
        (&[200, 201, 204][..], gateway, &[Repeatable, Change, Create][..], false, None),
        (&[301, 302, 307, 308, 401, 403], gateway, &[Repeatable, Change, Create], false, denied),
        (&[429], gateway, &[Repeatable, Change, Create], false, transient),
        (&[503], gateway, &[Repeatable, Change, Create], true, transient),
        (&[408, 500, 502, 503, 504], gateway, &[Repeatable], false, transient),
        (&[408, 503, 504], gateway, &[Change, Create], false, may_still_act),
        (&[500, 502], gateway, &[Change], false, transient),
        (&[500, 502], gateway, &[Create], false, ended),
        (&[500, 502, 503], aws, &[Change], false, transient),
        (&[504], aws, &[Change], false, may_still_act),
        (&[400, 404, 409, 422], gateway, &[Repeatable, Change, Create], false, refused),
    ] {
        for (status, &effect) in statuses.iter().flat_map(|status| effects.iter().map(move |effect| (status, effect))) {
            let call = Call { service, operation: "call", effect };
            let status = StatusCode::from_u16(*status).expect("a status");
            assert_eq!(classify(call, status, asked_to_wait), expected, "{status} to {effect:?} of {service}");
        }
    }
}

#[test]
fn of_two_failures_the_less_known_counts() {
    let call = Call { service: Service::GuestPageBucket, operation: "put", effect: Effect::Change };
    let failed = |class| Err(CallError::new(call, class, "failed"));
    let may_still_act = Class::Unknown { may_still_act: true };
    for (one, other, expected) in [
        (Class::Refused, may_still_act, may_still_act),
        (may_still_act, Class::Denied, may_still_act),
        (Class::Transient, Class::Denied, Class::Denied),
    ] {
        assert_eq!(worse_of(failed(one), failed(other)).expect_err("both failed").class, expected);
        assert_eq!(worse_of(Ok(()), failed(one)).expect_err("one failed").class, one);
    }
    assert!(worse_of(Ok(()), Ok(())).is_ok());
}

#[test]
fn an_unknown_collection_is_a_wrong_endpoint() {
    let (not_found, not_allowed) = (StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED);
    for (service, effect, statuses) in [
        (Service::Calendar, Effect::Create, &[not_found, not_allowed][..]),
        (Service::Calendar, Effect::Repeatable, &[not_found, not_allowed]),
        (Service::Calendar, Effect::Change, &[not_allowed]),
        (Service::Scc, Effect::Create, &[not_found, not_allowed]),
        (Service::Scc, Effect::Repeatable, &[not_allowed]),
        (Service::Scc, Effect::Change, &[not_allowed]),
        (Service::GuestPageBucket, Effect::Change, &[]),
        (Service::ConfigurationFiles, Effect::Repeatable, &[]),
    ] {
        let call = Call { service, operation: "call", effect };
        for status in [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, not_found, not_allowed] {
            assert_eq!(is_wrong_endpoint(call, status), statuses.contains(&status), "{call:?} {status}");
        }
    }
}

#[test]
fn what_never_left_did_nothing() {
    for effect in [Effect::Repeatable, Effect::Change, Effect::Create] {
        assert_eq!(class_without_answer(effect, true), Class::Transient);
    }
    assert_eq!(class_without_answer(Effect::Repeatable, false), Class::Transient);
    assert_eq!(class_without_answer(Effect::Create, false), Class::Unknown { may_still_act: true });
}
