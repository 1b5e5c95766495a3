//! Is every call of the policy socket answered, whatever comes?

use crate::harness::{Daemon, Smtp, channel, wait_for};
use bytes::Bytes;
use tokio_stream::StreamExt;
use tollgate_proto::v1;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

#[tokio::test]
async fn a_session_from_connect_to_report() {
    let daemon = Daemon::start("", "");
    let mut client = daemon.policy_client().await;
    let mut smtp = Smtp::from("192.0.2.1", "ann@example.org");
    let verdict = smtp.talk(&mut client, "bob@example.net").await;
    assert_eq!((verdict.action(), verdict.code), (v1::Action::Continue, 0));
    assert_eq!(verdict.decision_id.len(), 16);
    assert!(!verdict.session_state.is_empty());
    let request = v1::DataRequest {
        session: smtp.session(),
        connection: smtp.connection(),
        helo: smtp.helo(),
        mail: smtp.mail(),
        recipients_accepted: 1,
        recipients_refused: 0,
    };
    let verdict = client.data(request).await.expect("answers").into_inner();
    assert_eq!(verdict.action(), v1::Action::Continue);
    client.report(smtp.report(v1::Ending::Accepted, 4711)).await.expect("is heard");
    client.report(smtp.report(v1::Ending::Closed, 0)).await.expect("is heard");
    let words = ["event=decision", "stage=rcpt", "action=continue", "host=mx1", "client_ip=192.0.2.1"];
    daemon.wait_for_line(&words);
    daemon.wait_for_line(&["event=transaction", "ending=accepted", "qp=4711", "message_bytes=4096"]);
    daemon.wait_for_line(&["event=connection", "ending=closed", "quit=true", "messages_accepted=1"]);
    assert_eq!(daemon.metric("tollgate_reports_total{ending=\"accepted\"} "), Some(1.0));
}

#[tokio::test]
async fn a_mail_servers_mistake_is_told_and_a_clients_is_not_one() {
    let daemon = Daemon::start("", "");
    let mut client = daemon.policy_client().await;
    let mut smtp = Smtp::from("192.0.2.1", "ann@example.org");
    let good = smtp.connect_request();
    let no_session = v1::ConnectRequest { session: None, ..good.clone() };
    let no_connection = v1::ConnectRequest { connection: None, ..good.clone() };
    let mut short_id = good.clone();
    if let Some(session) = &mut short_id.session {
        session.session_id = Bytes::from_static(b"short");
    }
    for (request, expected) in [(no_session, "session"), (no_connection, "connection"), (short_id, "16 bytes")] {
        let status = client.connect(request).await.expect_err("is refused");
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(expected), "{status}");
    }
    let mut odd = good.clone();
    if let Some(connection) = &mut odd.connection {
        connection.client_ip = Bytes::from_static(b"not an address\xff");
        connection.client_name = Some(Bytes::from(vec![b'x'; 5000]));
        connection.host = Bytes::from_static(b"b\xe4d\nname");
    }
    let verdict = client.connect(odd).await.expect("is answered").into_inner();
    assert_eq!(verdict.action(), v1::Action::Continue);
    let mut huge = good;
    if let Some(connection) = &mut huge.connection {
        connection.client_name = Some(Bytes::from(vec![b'x'; 70_000]));
    }
    assert_eq!(client.connect(huge).await.expect_err("is refused").code(), Code::OutOfRange);
    assert_eq!(daemon.metric("tollgate_calls_refused_total{reason=\"invalid\"} "), Some(3.0));
}

#[tokio::test]
async fn health_and_reflection() {
    let daemon = Daemon::start("", "");
    let channel = channel(&daemon.path("tollgate.sock")).await;
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "tollgate.v1.Policy"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.expect("answers").into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.expect("answers").into_inner();
    let answer = answers.next().await.expect("an answer").expect("good");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("{answer:?}") };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.iter().any(|name| name == "tollgate.v1.Policy"), "{names:?}");
    assert!(names.iter().any(|name| name == "grpc.health.v1.Health"), "{names:?}");
    assert!(!names.iter().any(|name| name == "tollgate.v1.Admin"), "only on the admin socket: {names:?}");
}

#[tokio::test]
async fn metrics_readiness_and_life_over_http() {
    let daemon = Daemon::start("", "");
    assert_eq!(daemon.http("GET /ready"), (200, "ready\n".to_owned()));
    assert_eq!(daemon.http("GET /alive"), (200, "alive\n".to_owned()));
    assert_eq!(daemon.http("GET /").0, 404);
    assert_eq!(daemon.http("POST /metrics").0, 405);
    let mut client = daemon.policy_client().await;
    Smtp::from("192.0.2.1", "").talk(&mut client, "bob@example.net").await;
    assert_eq!(daemon.metric("tollgate_decisions_total{stage=\"rcpt\",action=\"continue\"} "), Some(1.0));
    assert_eq!(daemon.metric("tollgate_stage_duration_seconds_count{stage=\"rcpt\"} "), Some(1.0));
    assert_eq!(daemon.metric("tollgate_connections "), Some(1.0));
    drop(client);
    // Apart, because the client's side of the connection closes on this thread.
    let given_back = tokio::task::spawn_blocking(move || {
        wait_for("the connection to be given back", || {
            (daemon.metric("tollgate_connections ") == Some(0.0)).then_some(())
        });
    });
    given_back.await.expect("is given back");
}
