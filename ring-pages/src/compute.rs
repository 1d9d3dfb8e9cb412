//! A page that is not stored, or not fresh: one request computes it, and the others take its response.

use std::sync::Arc;

use http::{Response, StatusCode};
use ring_cache_core::Fallible;

use crate::answer::{Outcome, from_live, from_page, own, status_only};
use crate::asked::{Asked, Fit};
use crate::body::PageBody;
use crate::flow::{End, Head};
use crate::key::HeadKey;
use crate::live::{AtEnd, Handle, Live};
use crate::lookup::look_up;
use crate::place::Place;
use crate::produce::{Job, Slot, drive, slot};
use crate::site::Site;
use crate::stored::{Page, StoredResponse};
use crate::visit::{Declined, Visit};

/// How often a request looks for another one's response before it asks the application itself.
const TRIES: usize = 3;

/// The role of a request in the computation of a head.
enum Joined {
    Leads(Arc<Live>, PageBody),
    Follows(Handle),
}

/// What the response of another request is for this one.
enum Followed {
    Answer(Response<PageBody>),
    /// That of another variant, or of a place that was not known.
    Elsewhere,
    /// It was given up.
    Gone,
    /// One of its tags was forgotten since it began.
    Outdated,
}

/// A request without a fresh page.
pub(crate) struct Miss {
    pub(crate) pages: Arc<Site>,
    pub(crate) asked: Asked,
    pub(crate) place: Place,
    /// A page that may be returned if the application fails.
    pub(crate) fallback: Option<StoredResponse>,
    /// A page that the application may say of that it has not changed.
    pub(crate) stale: Option<Arc<Page>>,
    /// Why there is no page: `fwd` of RFC 9211.
    pub(crate) why: &'static str,
}

impl Miss {
    fn head_key(&self) -> HeadKey {
        HeadKey {
            page: self.place.key.clone(),
            credentialed: self.asked.credentialed,
        }
    }

    /// The response to the request.
    pub(crate) async fn answer<E: Send + 'static>(
        mut self,
        visit: Visit<E>,
    ) -> Result<Response<PageBody>, E> {
        if let Some(stale) = self
            .fallback
            .as_ref()
            .filter(|_| self.pages.is_failing(&self.head_key()))
        {
            return Ok(self.stored(stale));
        }
        let visit = slot(Some(visit));
        let mut is_gone = false;
        for _ in 0..TRIES {
            match self.join(&visit, is_gone).await {
                Ok(Joined::Leads(live, reader)) => return Ok(self.live(live, reader, false).await),
                Ok(Joined::Follows(handle)) => {
                    let head_key = self.head_key();
                    let followed = self.follow(&handle).await;
                    is_gone = matches!(followed, Followed::Gone);
                    match followed {
                        Followed::Answer(answer) => return Ok(answer),
                        Followed::Outdated => self.pages.forget_head(&head_key, |head| head.is(&handle)),
                        Followed::Elsewhere | Followed::Gone => {}
                    }
                }
                Err(declined) => return self.settle(declined).await,
            }
            if let Some(page) = self.look_again().await {
                return Ok(self.stored(&page));
            }
        }
        let visit = visit.lock().take();
        let declined = visit.map_or(Declined::Lost, Declined::Pass);
        self.settle(declined).await
    }

    /// Makes the new page of a stale one in the background, unless another request does.
    pub(crate) fn refresh_in_background<E: Send + 'static>(self, visit: Visit<E>) {
        if self.pages.begin_refresh(&self.head_key()) {
            let pages = Arc::clone(&self.pages);
            pages.spawn(Box::pin(self.refresh(visit)));
        }
    }

    async fn refresh<E: Send + 'static>(self, visit: Visit<E>) {
        let head_key = self.head_key();
        if let Ok(Joined::Leads(live, _reader)) = self.join(&slot(Some(visit)), false).await
            && let Some(End::Whole(_)) = live.whole().await
        {
            self.pages.end_refresh(&head_key);
        }
    }

    /// Joins the computation of the page's head, or starts one.
    async fn join<E>(&self, visit: &Slot<Visit<E>>, is_gone: bool) -> Result<Joined, Declined<E>>
    where
        E: Send + 'static,
    {
        let (pages, head_key, led) = (Arc::clone(&self.pages), self.head_key(), slot(None));
        let body = {
            let (job, visit, led) = (self.job(), Arc::clone(visit), Arc::clone(&led));
            async move || {
                let taken = visit.lock().take();
                let visit = taken.ok_or(Declined::Lost)?;
                let (live, reader) = begin(job, visit).await?;
                let handle = Handle::of(&live);
                *led.lock() = Some((live, reader));
                Ok(handle)
            }
        };
        let heads = pages.heads();
        let call = heads.bind::<Fallible<Handle, Declined<E>>, _, _, _>(head_key.parts(), move |_| body());
        // As for any ring, an update joins no computation that began before it.
        let handle = if self.asked.wants_new() || is_gone {
            call.update().await?
        } else {
            call.get_or_update().await?
        };
        let led = led.lock().take();
        Ok(match led {
            Some((live, reader)) => Joined::Leads(live, reader),
            None => Joined::Follows(handle),
        })
    }

    /// The response of another request, if it is for this one as well.
    async fn follow(&mut self, handle: &Handle) -> Followed {
        let Some(head) = handle.flow.head() else {
            return Followed::Gone;
        };
        let place = match &head.place.varies {
            Some(varies) => self.place.variant(varies.clone(), &self.asked.headers),
            None => self.place.clone(),
        };
        let is_known = place.key == self.place.key;
        let is_elsewhere = place.key != head.place.key;
        if !is_elsewhere && !self.is_outdated(&head).await {
            let shared = self.share(handle, &head).await;
            return shared.map_or(Followed::Gone, Followed::Answer);
        }
        match (is_known, is_elsewhere) {
            (true, false) => Followed::Outdated,
            (true, true) => Followed::Gone,
            (false, _) => {
                self.place = place;
                Followed::Elsewhere
            }
        }
    }

    /// Whether a tag of the response was forgotten since it began, or may have been. The version is known that this request
    /// read when it came, or else that of now counts.
    async fn is_outdated(&self, head: &Head) -> bool {
        let (mine, its) = (self.place.version, head.place.version);
        let is_same = self.place.key == head.place.key && mine.is_some() && mine == its;
        !is_same && !head.place.is_current(&self.pages.storage).await
    }

    async fn share(&self, handle: &Handle, head: &Head) -> Option<Response<PageBody>> {
        if let Some(live) = handle.live() {
            let reader = PageBody::live(Arc::clone(&live), head.length)?;
            return Some(self.live(live, reader, true).await);
        }
        match handle.flow.end()? {
            End::Whole(page) => {
                let outcome = self.forwarded(true).renewed(head.is_renewed);
                Some(self.page(&page, outcome))
            }
            End::Passed | End::Failed => None,
        }
    }

    async fn look_again(&mut self) -> Option<StoredResponse> {
        if self.asked.wants_new() {
            return None;
        }
        let (place, page) = look_up(&self.pages, &self.asked.key, &self.asked.headers).await;
        if place.varies.is_some() || self.place.varies.is_none() {
            self.place = place;
        }
        fresh(page, &self.asked, &self.pages)
    }

    /// The response of a computation that was not shared.
    async fn settle<E: Send + 'static>(self, declined: Declined<E>) -> Result<Response<PageBody>, E> {
        match declined {
            Declined::Answer(answer) if !is_failure(answer.status()) || self.fallback.is_none() => {
                Ok(own(&self.pages, &self.asked, answer, self.why))
            }
            Declined::Error(error) if self.fallback.is_none() => Err(error),
            Declined::Answer(_) | Declined::Error(_) => {
                self.pages.begin_failing(&self.head_key());
                Ok(self
                    .fallback
                    .as_ref()
                    .map_or_else(lost, |stale| self.stored(stale)))
            }
            Declined::Found(page) => Ok(self.stored(&page)),
            Declined::Pass(visit) => self.alone(visit).await,
            Declined::Lost => Ok(lost()),
        }
    }

    /// The response that this request computes for itself. It is stored if it may be.
    async fn alone<E: Send + 'static>(self, visit: Visit<E>) -> Result<Response<PageBody>, E> {
        match lead(self.job(), false, visit).await {
            Ok((live, reader)) => Ok(self.live(live, reader, false).await),
            // Boxed: it does not come here again, as nothing is passed twice.
            Err(declined) => Box::pin(self.settle(declined)).await,
        }
    }

    fn stored(&self, stored: &StoredResponse) -> Response<PageBody> {
        stored
            .as_page()
            .map_or_else(lost, |page| self.page(page, Outcome::Hit))
    }

    fn page(&self, page: &Page, outcome: Outcome) -> Response<PageBody> {
        from_page(&self.pages, &self.asked, page, outcome)
    }

    async fn live(&self, live: Arc<Live>, reader: PageBody, collapsed: bool) -> Response<PageBody> {
        from_live(&self.pages, &self.asked, live, reader, self.forwarded(collapsed)).await
    }

    fn forwarded(&self, collapsed: bool) -> Outcome {
        Outcome::Forwarded {
            why: self.why,
            collapsed,
            is_renewed: false,
        }
    }

    fn job(&self) -> Job {
        let (pages, asked, place) = (Arc::clone(&self.pages), self.asked.clone(), self.place.clone());
        Job::new(pages, asked, place, self.head_key(), self.stale.clone())
    }
}

/// The body of a head's computation: looks again, as another one may have ended meanwhile, and leads.
async fn begin<E: Send + 'static>(
    mut job: Job,
    visit: Visit<E>,
) -> Result<(Arc<Live>, PageBody), Declined<E>> {
    if job.pages.is_passing(&job.head_key) {
        return Err(Declined::Pass(visit));
    }
    if !job.asked.wants_new() {
        let (found, page) = look_up(&job.pages, &job.asked.key, &job.asked.headers).await;
        // One whose tag was just forgotten is not asked for any more.
        job.stale = job.asked.revalidated(page.as_ref(), &job.pages.settings);
        if let Some(page) = fresh(page, &job.asked, &job.pages) {
            return Err(Declined::Found(page));
        }
        // The names may be known by now that it varies by. Names that another request just learned are not stored yet.
        if found.varies.is_some() || job.place.varies.is_none() {
            job.place = found;
        }
    }
    lead(job, true, visit).await
}

/// Starts a response, and waits for its head. The body is read from the first byte on.
async fn lead<E: Send + 'static>(
    mut job: Job,
    is_shared: bool,
    visit: Visit<E>,
) -> Result<(Arc<Live>, PageBody), Declined<E>> {
    // The version from before the computation.
    job.place.see(&job.pages.storage).await;
    let (pages, head_key) = (Arc::clone(&job.pages), job.head_key.clone());
    let (flow, declined) = (Arc::clone(&job.flow), slot(None));
    let driver = Box::pin(drive(job, visit, Arc::clone(&declined)));
    let at_end = move || pages.forget_head(&head_key, Handle::is_gone);
    let live = Live::new(flow, driver, is_shared.then(|| Box::new(at_end) as AtEnd));
    let reader = PageBody::live(Arc::clone(&live), None);
    let head = live.head().await;
    let declined = declined.lock().take();
    match (head, reader) {
        (Some(head), Some(reader)) => Ok((live, reader.of_length(head.length))),
        _ => Err(declined.unwrap_or(Declined::Lost)),
    }
}

fn fresh(page: Option<StoredResponse>, asked: &Asked, pages: &Site) -> Option<StoredResponse> {
    let now = pages.now();
    page.filter(|stored| {
        stored
            .as_page()
            .is_some_and(|page| asked.fit(page, now) == Fit::Fresh)
    })
}

/// RFC 5861, 4.
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

fn lost() -> Response<PageBody> {
    status_only(StatusCode::BAD_GATEWAY)
}
