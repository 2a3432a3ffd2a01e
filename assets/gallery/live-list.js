// The live list: keeps the list of pictures (picture-list.js) up with the server: windows and
// patches come over the websocket, the timeline is fetched.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { announceMany } from "$/public/shell/announce.js";
import { PictureList } from "$/public/gallery/picture-list.js";
import * as listed from "$/public/gallery/list-length.js";
import { Recent } from "$/public/gallery/recent-patches.js";
import { localPictures } from "$/public/uploads/local-pictures.js";
import { selection } from "$/public/selection/selection.js";

const ANSWER_WITHIN_MS = 5000;
const SETTLE_MS = 400;
const TIMELINE_REST_MS = 3000;
const RETRY_MS = 3000;

const timeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

async function fetchTimeline(query, signal) {
  const separator = query ? "&" : "";
  const address = `/api/images/timeline?${query}${separator}time_zone=${encodeURIComponent(timeZone())}`;
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw new Error(`The timeline answered ${answer.status}`);
  return answer.json();
}

const outcomes = {
  completed: (count) => `${count} ${count === 1 ? "picture" : "pictures"} described.`,
  failed: (count) => `${count} ${count === 1 ? "picture" : "pictures"} could not be described.`,
};

// What became of pictures that are here, for who does not see it.
function tell(list, cards) {
  for (const [status, words] of Object.entries(outcomes)) {
    const ended = cards.filter((card) => {
      const before = list.slots[list.positionOf(card.id)];
      return card.status === status && before && before.status !== status;
    });
    announceMany(ended.length, words, status);
  }
}

// Fetches the timeline of `query`, again whenever `tick` changes, and until it is there.
function useTimeline(list, query, tick, changed) {
  const readAt = useRef(0);
  useEffect(() => {
    if (query === null || (list.complete && !tick)) return undefined;
    const ended = new AbortController();
    let timer;
    const read = async () => {
      readAt.current = Date.now();
      try {
        const timeline = await fetchTimeline(query, ended.signal);
        if (!ended.signal.aborted) changed(() => list.arrange(timeline));
      } catch {
        if (!ended.signal.aborted) timer = setTimeout(read, RETRY_MS);
      }
    };
    const wait = tick ? Math.max(SETTLE_MS, readAt.current + TIMELINE_REST_MS - Date.now()) : 0;
    timer = setTimeout(read, wait);
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [list, query, tick, changed]);
}

export function useLibrary({ shown, patch, total, onLook, onStale, before }) {
  const [list] = useState(() => new PictureList());
  const [recent] = useState(() => new Recent());
  const [version, setVersion] = useState(0);
  const [arrangement, setArrangement] = useState({ query: null, tick: 0 });
  const seen = useRef({ shown: null, seq: -1, total: null });
  const asked = useRef(null);
  const ask = useRef({ onLook, onStale });
  ask.current = { onLook, onStale };

  const changed = useCallback(
    (change) => {
      before();
      change();
      setVersion((number) => number + 1);
    },
    [before],
  );

  useLayoutEffect(() => {
    const last = seen.current;
    const counted = last.total !== null && last.total !== total;
    last.total = total;
    if (last.shown !== shown && shown.edition) {
      const another = shown.edition !== list.edition;
      const otherQuery = shown.query !== list.query;
      if (another) localPictures.settle();
      if (another) last.seq = Math.max(last.seq, shown.seq);
      last.shown = shown;
      asked.current = null;
      const { window, gone } = recent.renew(shown);
      let lost = false;
      changed(() => {
        list.take(window);
        if (!another) return;
        // What came before the window and is newer. Where the timeline is not read anyway, it is to
        // say where that goes.
        lost = list.patch(recent.since(shown.seq), { counted: true }) && list.complete;
        if (lost) for (const card of list.slots) list.stale.add(card.id);
      });
      if (gone) ask.current.onStale();
      if (another)
        setArrangement(({ tick }) => ({
          query: shown.query,
          tick: (otherQuery || list.complete) && !lost ? 0 : tick + 1,
        }));
    }
    if (patch.seq > last.seq) {
      const missed = patch.since > last.seq;
      last.seq = patch.seq;
      recent.note(patch);
      let unsure = false;
      if (!list.edition) return;
      if (patch.cards.length || patch.gone.length)
        changed(() => {
          tell(list, patch.cards);
          localPictures.claim(patch.cards.filter(({ id }) => list.positionOf(id) < 0));
          unsure = list.patch(patch, { counted });
          localPictures.leave(patch.gone);
          selection.forget(patch.gone);
        });
      if (missed) ask.current.onStale();
      else if (unsure && (counted || list.query)) {
        for (const card of list.slots) if (card) list.stale.add(card.id);
        setArrangement(({ query, tick }) => ({ query, tick: tick + 1 }));
      }
    }
  }, [shown, patch, total, list, recent, changed]);

  useTimeline(list, arrangement.query, arrangement.tick, changed);
  useEffect(() => {
    if (list.sized) listed.note(list.query, list.length);
  }, [list, version]);

  const look = useCallback(
    (first, end) => {
      const wanted = list.wanted(first, end);
      if (!wanted) return;
      if (asked.current && Date.now() - asked.current < ANSWER_WITHIN_MS) return;
      asked.current = Date.now();
      ask.current.onLook(wanted.start, wanted.count);
    },
    [list],
  );
  const forget = useCallback((first, end, held) => list.forget(first, end, held), [list]);
  return { list, version, look, forget };
}
