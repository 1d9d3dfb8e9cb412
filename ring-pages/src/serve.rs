//! The way of a request through the layer.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use crate::BoxError;
use crate::answer::{Outcome, from_page, passed, status_only};
use crate::asked::{Asked, Bypass, Fit, page_key};
use crate::body::PageBody;
use crate::compute::Miss;
use crate::conditions::remove_conditions;
use crate::lookup::look_up;
use crate::revalidate::ask_whether_changed;
use crate::site::Site;
use crate::visit::Visit;

/// The response to a request: a page, or the application's.
pub(crate) async fn serve<S, Q, B>(
    pages: Arc<Site>,
    service: S,
    request: Request<Q>,
) -> Result<Response<PageBody>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>, Error: Send + 'static, Future: Send + 'static>
        + Send
        + 'static,
    Q: Body + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let asked = match Asked::of(&request, &pages.settings) {
        Ok(asked) => asked,
        Err(Bypass::Method) => return change(&pages, service, request).await,
        Err(Bypass::Request) => return Ok(passed(&pages, call(service, request).await?, "bypass")),
    };
    let (place, page) = look_up(&pages, &asked.key, &asked.headers).await;
    let (stored, now) = (page.as_ref().and_then(|page| page.as_page()), pages.now());
    let fit = stored.map_or(Fit::Unfit, |page| asked.fit(page, now));
    if let (Fit::Fresh, Some(page)) = (fit, stored) {
        return Ok(from_page(&pages, &asked, page, Outcome::Hit));
    }
    let why = match stored {
        _ if asked.wants_new() => "request",
        Some(page) if page.ageing.left(now).is_err() => "stale",
        Some(_) => "request",
        None if place.varies_by_headers() => "vary-miss",
        None => "uri-miss",
    };
    if asked.only_if_cached {
        return Ok(status_only(StatusCode::GATEWAY_TIMEOUT));
    }
    if asked.is_head {
        return Ok(passed(&pages, call(service, request).await?, why));
    }
    let visit = visit(service, request);
    let miss = Miss {
        fallback: page.clone().filter(|_| matches!(fit, Fit::Stale | Fit::OnError)),
        stale: asked.revalidated(page.as_ref(), &pages.settings),
        pages,
        asked,
        place,
        why,
    };
    match stored {
        Some(page) if fit == Fit::Stale && miss.pages.has_spawner() => {
            let answer = from_page(&miss.pages, &miss.asked, page, Outcome::Hit);
            miss.refresh_in_background(visit);
            Ok(answer)
        }
        _ => miss.answer(visit).await,
    }
}

/// A request that changes something: if it succeeds, the page of its URI is out of date. RFC 9111, 4.4.
async fn change<S, Q, B>(
    pages: &Arc<Site>,
    service: S,
    request: Request<Q>,
) -> Result<Response<PageBody>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let is_safe = [Method::OPTIONS, Method::TRACE].contains(request.method());
    let key = page_key(&request, &pages.settings).filter(|_| !is_safe);
    let answer = call(service, request).await?;
    let has_changed = answer.status().is_success() || answer.status().is_redirection();
    if let Some(key) = key.filter(|_| has_changed) {
        crate::ring::delete(pages, key).await.ok();
    }
    Ok(passed(pages, answer, "method"))
}

async fn call<S, Q, B>(mut service: S, request: Request<Q>) -> Result<Response<PageBody>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    Ok(service.call(request).await?.map(PageBody::own))
}

/// The request to the application. It makes a whole response, whatever the client has already, or says that a page has not
/// changed.
fn visit<S, Q, B>(service: S, mut request: Request<Q>) -> Visit<S::Error>
where
    S: Service<Request<Q>, Response = Response<B>, Error: Send + 'static, Future: Send + 'static>
        + Send
        + 'static,
    Q: Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    Visit::new(move |stale| {
        remove_conditions(request.headers_mut());
        let headers = request.headers_mut();
        stale
            .into_iter()
            .for_each(|stale| ask_whether_changed(stale, headers));
        Box::pin(call(service, request))
    })
}
