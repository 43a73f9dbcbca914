//! What stands at which path.

use super::credentials;
use super::live;
use super::request::{Fault, HEAD_BYTES, Method, Request};
use super::response::{PLAIN, Response, Status};
use crate::dispatch::Dispatcher;
use crate::server::Server;
use crate::server::acl::{Acl, DEFAULT, DEFAULT_USER};
use crate::server::report;

/// A page.
struct Route {
    path: &'static str,
    about: &'static str,
    page: for<'a> fn(&mut Dispatcher, &'a mut Option<String>) -> Response<'a>,
}

const ROUTES: &[Route] = &[
    Route { path: "/", about: "a page that shows what happens", page: dashboard },
    Route { path: "/live.json", about: "its figures", page: live },
    Route { path: "/metrics", about: "all statistics, as OpenMetrics", page: metrics },
    Route { path: "/healthz", about: "200 while the server runs", page: healthz },
    Route { path: "/readyz", about: "200 when it takes reads and writes, else 503 and why", page: readyz },
    Route { path: "/help", about: "this list", page: help },
];

/// Answers a request. `metrics` holds the text of `/metrics` once it was made in this round.
pub(super) fn answer<'a>(
    request: &Request,
    dispatcher: &mut Dispatcher,
    metrics: &'a mut Option<String>,
) -> Response<'a> {
    // A body with a method that no page takes: it is the method that is told, and the connection ends all the same.
    let is_told_later = request.fault == Some(Fault::Body) && request.method == Method::Other;
    if let Some(fault) = request.fault.filter(|_| !is_told_later) {
        return refuse(fault);
    }
    if !may_enter(&mut dispatcher.server, request) {
        let header = Some("WWW-Authenticate: Basic realm=\"ferrodis\", charset=\"UTF-8\"");
        let body = "Name and password are asked for of a user who may run INFO (for figures of calls and clients SLOWLOG GET and CLIENT LIST, too); those of the default user will do.\n";
        return Response { header, ..Response::plain(Status::Unauthorized, body) };
    }
    let Some(route) = ROUTES.iter().find(|route| route.path == request.path) else {
        return Response::plain(Status::NotFound, "There is no such page. See /help for those there are.\n");
    };
    if request.method == Method::Other {
        let refusal = Response::plain(Status::MethodNotAllowed, "Pages here can only be read.\n");
        return Response { header: Some("Allow: GET, HEAD"), ..refusal };
    }
    (route.page)(dispatcher, metrics)
}

/// Whether the answer shows what clients have written, in figures.
pub(super) fn shows_data(request: &Request) -> bool {
    matches!(request.path.as_str(), "/metrics" | "/live.json")
}

/// The answer on a connection beyond those that are served.
pub(super) fn refuse_surplus() -> Response<'static> {
    let refusal = Response::plain(Status::Unavailable, "The metrics port has too many connections.\n");
    Response { header: Some("Retry-After: 10"), ..refusal }
}

fn refuse(fault: Fault) -> Response<'static> {
    match fault {
        Fault::Malformed => Response::plain(Status::BadRequest, "This is not a request of HTTP/1.0 or HTTP/1.1.\n"),
        Fault::Host => Response::plain(Status::BadRequest, "A request of HTTP/1.1 has one Host header.\n"),
        Fault::Body => Response::plain(Status::BadRequest, "Requests have no body here.\n"),
        Fault::TooLong => Response::plain(
            Status::HeadTooLarge,
            format!("The head of a request may have 64 fields and {HEAD_BYTES} bytes.\n"),
        ),
    }
}

/// What a user has to be allowed to run for a page: what it shows.
fn shown_by(path: &str) -> &'static [&'static str] {
    match path {
        "/live.json" => &["info", "slowlog|get", "client|list"],
        _ => &["info"],
    }
}

/// Whether the request comes from a user who may see the page; `default` may be left unnamed, and needs no password where it needs
/// none anywhere.
fn may_enter(server: &mut Server, request: &Request) -> bool {
    let may_see = |acl: &Acl, user| shown_by(&request.path).iter().all(|command| acl.may_run(user, command));
    if server.acl.get(DEFAULT).is_open() && (!shows_data(request) || may_see(&server.acl, DEFAULT)) {
        return true;
    }
    let Some(header) = &request.authorization else { return false };
    let is_right = credentials::parse(header).is_some_and(|(user, password)| {
        let user = if user.is_empty() { DEFAULT_USER.as_bytes() } else { &user };
        server.acl.log_in(user, &password).is_some_and(|user| may_see(&server.acl, user))
    });
    server.counters.failed_authentications += u64::from(!is_right);
    is_right
}

/// The page loads nothing but its figures.
const ONLY_ITSELF: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                           connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn dashboard<'a>(_: &mut Dispatcher, _: &'a mut Option<String>) -> Response<'a> {
    Response {
        content_type: "text/html; charset=utf-8",
        header: Some(ONLY_ITSELF),
        ..Response::plain(Status::Ok, include_str!("dashboard.html"))
    }
}

fn live<'a>(dispatcher: &mut Dispatcher, _: &'a mut Option<String>) -> Response<'a> {
    dispatcher.server.read_resources();
    dispatcher.server.ask_for_census();
    Response { content_type: live::CONTENT_TYPE, ..Response::plain(Status::Ok, live::live(&dispatcher.server)) }
}

fn help<'a>(_: &mut Dispatcher, _: &'a mut Option<String>) -> Response<'a> {
    let lines: String = ROUTES.iter().map(|route| format!("{:<12}{}\n", route.path, route.about)).collect();
    Response::plain(Status::Ok, format!("Ferrodis {}\n\n{lines}", env!("CARGO_PKG_VERSION")))
}

fn metrics<'a>(dispatcher: &mut Dispatcher, made: &'a mut Option<String>) -> Response<'a> {
    let text = made.get_or_insert_with(|| {
        dispatcher.server.read_resources();
        dispatcher.server.ask_for_census();
        report::metrics(&dispatcher.server)
    });
    Response { content_type: report::CONTENT_TYPE, ..Response::plain(Status::Ok, text.as_str()) }
}

fn healthz<'a>(_: &mut Dispatcher, _: &'a mut Option<String>) -> Response<'a> {
    Response::plain(Status::Ok, "ok\n")
}

fn readyz<'a>(dispatcher: &mut Dispatcher, _: &'a mut Option<String>) -> Response<'a> {
    match dispatcher.unready_reason() {
        None => Response { content_type: PLAIN, ..Response::plain(Status::Ok, "ready\n") },
        Some(reason) => Response::plain(Status::Unavailable, format!("{reason}\n")),
    }
}
