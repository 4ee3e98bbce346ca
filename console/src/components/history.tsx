import { useEffect, useMemo, useState } from 'react';
import { asProblem, type Problem } from '../api/problem';
import { queryText } from '../api/client';
import { ServerSentEventParser } from '../api/sse';
import type { Client } from '../api/client';
import type { EventView } from '../api/types';
import { useLive, useRows } from '../state/session';
import type { Language } from '../i18n/dictionary';
import { usePreferences, useText } from '../state/preferences';
import { Card, Name, ProblemBox, Time, Working } from './basics';

const WINDOW = 5000n;
const SHOWN_MAX = 50;

// The events of positions from `from` to before `to`, of these kinds, told in `language`.
export async function readEvents(client: Client, language: Language, from: bigint, to: bigint, names: readonly string[], tenant = ''): Promise<EventView[]> {
  const response = await client.open(`/v1/events${queryText({ from: from.toString(), names: names.join(','), tenant, follow: false, language })}`, {
    signal: AbortSignal.timeout(30_000),
  });
  const events: EventView[] = [];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new ServerSentEventParser();
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) return events;
    for (const sent of parser.push(chunk.value)) {
      if (sent.event === 'error') throw asProblem(new Error(sent.data));
      const event = JSON.parse(sent.data) as EventView;
      if (BigInt(event.position ?? '0') >= to) {
        await reader?.cancel();
        return events;
      }
      events.push(event);
    }
  }
}

export interface Past {
  events: readonly EventView[];
  from: bigint;
  busy: boolean;
  problem: Problem | undefined;
  more: () => void;
}

// What happened to some subjects: the newest window of the ledger, further back as far as is asked, and each new event.
export function usePast(names: readonly string[], tenant: string, of: (event: EventView) => boolean, key: string): Past {
  const live = useLive();
  const { language } = usePreferences();
  const recent = useRows(live.domain.events);
  const whole = `${language} ${key}`;
  const [known, setRead] = useState<{ of: string; events: EventView[]; from: bigint }>();
  const read = known?.of === whole ? known : undefined;
  const [busy, setBusy] = useState(true);
  const [problem, setProblem] = useState<Problem>();
  const [windows, setWindows] = useState(1n);

  useEffect(() => {
    setWindows(1n);
  }, [whole]);
  useEffect(() => {
    let current = true;
    setBusy(true);
    setProblem(undefined);
    const look = async () => {
      const to = read?.from ?? BigInt((await live.client.head()).durable ?? '0');
      const size = WINDOW * 4n ** (windows - 1n);
      const from = to > size ? to - size : 0n;
      const found = to === 0n ? [] : (await readEvents(live.client, language, from, to, names, tenant)).filter(of);
      if (current) setRead({ of: whole, events: [...found, ...(read?.events ?? [])], from });
    };
    look()
      .catch((error: unknown) => current && setProblem(asProblem(error)))
      .finally(() => current && setBusy(false));
    return () => {
      current = false;
    };
  }, [whole, windows, live]);

  const events = useMemo(() => {
    const all = new Map<string, EventView>();
    for (const event of read?.events ?? []) all.set(event.position ?? '0', event);
    for (const event of recent) if (names.includes(event.name ?? '') && of(event)) all.set(event.position ?? '0', event);
    return [...all.values()].sort((a, b) => Number(BigInt(b.position ?? '0') - BigInt(a.position ?? '0')));
  }, [read, recent, whole]);
  return { events, from: read?.from ?? 0n, busy, problem, more: () => setWindows((count) => count + 1n) };
}

export function EventLine({ event }: { event: EventView }) {
  return (
    <li>
      <Time at={event.at} short />
      <span className="event-text"><a href={`#/trust/ledger?position=${event.position ?? '0'}`} title={event.name}>{event.position ?? '0'}</a> {event.text}</span>
      <Name text={event.actor} />
    </li>
  );
}

export function RecentEvents({ names, tenant = '', of, id }: { names: readonly string[]; tenant?: string; of: (event: EventView) => boolean; id: string }) {
  const t = useText();
  const past = usePast(names, tenant, of, id);
  return (
    <Card title={t.events.title} actions={past.from > 0n && !past.busy && <button type="button" className="quiet" onClick={past.more}>{t.action.more}</button>}>
      {past.problem && <ProblemBox problem={past.problem} onRetry={past.more} />}
      {past.events.length > 0 && <ol className="events">{past.events.slice(0, SHOWN_MAX).map((event) => <EventLine key={event.position ?? '0'} event={event} />)}</ol>}
      {past.busy ? <Working text={t.loading.page} /> : past.events.length === 0 && <p className="empty">{past.from === 0n ? t.events.all : ''} {t.events.none}</p>}
    </Card>
  );
}

export const SITE_EVENTS = ['SiteDefined', 'SiteStateChanged', 'NodesReported', 'SiteSteeringChanged', 'CertificateRevoked'] as const;
export const LINK_EVENTS = ['LinkDefined', 'LinkStateChanged', 'LinkMeasured'] as const;
export const INTENT_EVENTS = [
  'IntentSubmitted', 'IntentWithdrawn', 'IntentRefused', 'PlanCommitted', 'PlanRetired', 'RunStateChanged', 'PathSwitched', 'PromiseStateChanged',
  'WorkMeasured', 'JobPreempted', 'JobResized',
] as const;
