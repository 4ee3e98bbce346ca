import { useEffect, useState } from 'react';
import type { AskedIntent, Estimate, Rating, Strategy, Wish } from '../../api/ask';
import type { Client } from '../../api/client';
import { asProblem, Problem } from '../../api/problem';
import { Card, Empty, Name, ProblemBox, StateChip, Working } from '../../components/basics';
import { ConsentDialog } from '../../components/dialog';
import { credits, creditsShort } from '../../format/money';
import { carbon, cores, latency, memory, percent } from '../../format/units';
import type { Dictionary } from '../../i18n/dictionary';
import { routeText } from '../../router';
import { usePreferences, useText } from '../../state/preferences';
import { useAnswer, useLive, useRow, useRows } from '../../state/session';
import { intentHref } from '../work/intent_list';
import { Comparison } from '../work/what_if';
import { dialogueOf } from './dialogue';
import { rehearsed } from './rehearsal';

// What was understood of one wish, and what can be done about it.
export function WishCard({ wish }: { wish: Wish }) {
  const t = useText();
  return (
    <Card title={t.ask.understood(wish.label ?? wish.act, String(Math.floor((wish.confidencePermille ?? 0) / 10)))}>
      <div className="chips">
        {wish.fields?.map((field, i) => (
          <span key={i} className="field-chip" title={field.words === undefined ? t.ask.follows : `“${field.words}”`}>
            <span className="muted">{field.label}</span> <Name text={field.value} />
          </span>
        ))}
      </div>
      {wish.assumptions !== undefined && <p className="muted">{t.labelled(t.ask.assumed, wish.assumptions.map((one) => one.text).join(t.between))}</p>}
      {wish.questions?.slice(0, 1).map((question) => (
        <p key={question.text} className="asked"><strong>{t.labelled(t.ask.question, '')}</strong> {question.text}{question.assumed !== undefined && <span className="muted"> {t.ask.until(question.assumed)}</span>}</p>
      ))}
      {wish.say !== undefined && <p>{wish.say}</p>}
      {wish.problem && <ProblemBox problem={new Problem(wish.problem.code ?? '', wish.problem.what ?? '', wish.problem.where, wish.problem.remedy)} />}
      {wish.outcome && <Outcome wish={wish} />}
      {wish.agreed === true && wish.intent && <Agreed intent={wish.intent} />}
      {wish.explain && <Explained tenant={wish.explain.tenant ?? ''} intent={wish.explain.intent} whatIf={(wish.explain.whatIf ?? []).join(',')} />}
      {wish.withdrawals && <Withdrawals of={wish.withdrawals} />}
      {wish.rating && <Rated rating={wish.rating} />}
      {wish.intents && <Intents of={wish.intents} />}
      {wish.sites && <Sites names={wish.sites.names ?? []} cleanest={wish.sites.cleanestFirst ?? false} />}
    </Card>
  );
}

const MEASURES: readonly { id: 'cost' | 'slowest' | 'carbon'; of: (e: Estimate) => number; say: (e: Estimate, t: Dictionary) => string }[] = [
  { id: 'cost', of: (e) => Number(e.billedPerHourNanocredits ?? 0), say: (e, t) => t.money.totalOf(creditsShort(e.billedPerHourNanocredits)) },
  { id: 'slowest', of: (e) => Number(e.latencyUs ?? 0), say: (e) => (e.latencyUs === undefined ? '–' : latency(e.latencyUs)) },
  { id: 'carbon', of: (e) => Number(e.carbonMgPerHour ?? 0), say: (e, t) => t.ask.perHour(carbon(e.carbonMgPerHour)) },
];

// The length of a figure beside those of the others.
function Bar({ share }: { share: number }) {
  return (
    <svg className="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect className="bar-all" width="100" height="6" />
      <rect className="bar-part" width={Math.max(1, 100 * Math.min(1, share))} height="6" />
    </svg>
  );
}

function Outcome({ wish }: { wish: Wish }) {
  const t = useText();
  const strategies = wish.strategies ?? [];
  const plan = wish.outcome?.plan;
  // What is suggested comes first.
  const ordered = [...strategies].sort((a, b) => Number(b.suggested !== undefined) - Number(a.suggested !== undefined));
  const chosen = ordered[0]?.suggested !== undefined ? ordered[0].kind : 'asked';
  const most = MEASURES.map((measure) => Math.max(1, ...strategies.map((one) => measure.of(one.estimate))));
  return (
    <>
      {wish.outcome?.refusal !== undefined && (
        <>
          <h3>{t.ask.refused}</h3>
          <ul className="reasons">{wish.outcome.reasons?.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        </>
      )}
      {wish.outcome?.why !== undefined && <p>{wish.outcome.why}</p>}
      {strategies.length > 0 && <h3>{plan ? t.ask.ways : t.ask.possible}</h3>}
      <div className="cards strategies">
        {ordered.map((one) => <StrategyCard key={one.kind} strategy={one} most={most} wanted={wish.wanted ?? false} chosen={one.kind === chosen} />)}
      </div>
      {wish.past !== undefined && (
        <>
          <h3>{t.ask.past}</h3>
          <ul className="reasons">{wish.past.map((one, i) => <li key={i}>{one.text}</li>)}</ul>
        </>
      )}
      {wish.rehearsal !== undefined && <p className="muted">{rehearsed(wish.rehearsal, t)}</p>}
      {strategies.length === 0 && wish.wanted === true && wish.intent && wish.outcome?.refusal === undefined && <Apply intent={wish.intent} />}
      {plan && (
        <details>
          <summary>{t.ask.plan}</summary>
          {plan.reason !== undefined && <p>{plan.reason}.</p>}
          <ul className="plain">
            {plan.flows?.map((flow, i) => (
              <li key={i}><span className="name">{flow.ingress} → {flow.site}</span><span className="muted name">{flow.hops?.join(' › ')}</span></li>
            ))}
          </ul>
        </details>
      )}
      {wish.intent && (
        <details>
          <summary>{t.ask.intent}</summary>
          <pre className="whole">{JSON.stringify(wish.intent, null, 2)}</pre>
        </details>
      )}
    </>
  );
}

function StrategyCard({ strategy, most, wanted, chosen }: { strategy: Strategy; most: readonly number[]; wanted: boolean; chosen: boolean }) {
  const t = useText();
  const e = strategy.estimate;
  return (
    <div className={chosen ? 'option option-chosen' : 'option'}>
      <header><strong>{strategy.title}</strong></header>
      {strategy.suggested !== undefined && <p className="muted">{t.labelled(t.ask.suggested, strategy.suggested)}</p>}
      <dl className="facts">
        {MEASURES.map((measure, i) => (
          <div key={measure.id}>
            <dt>{t.ask[measure.id]}</dt>
            <dd>{measure.say(e, t)}<Bar share={measure.of(e) / (most[i] ?? 1)} /></dd>
          </div>
        ))}
        {e.availabilityPpm !== undefined && <div><dt>{t.ask.available}</dt><dd>{percent(e.availabilityPpm)}</dd></div>}
        <div><dt>{t.ask.instances}</dt><dd>{e.instances ?? 0}</dd></div>
        <div><dt>{t.ask.sites}</dt><dd>{e.sites?.join(', ') ?? '–'}</dd></div>
        {strategy.changes !== undefined && <div><dt>{t.ask.differs}</dt><dd>{strategy.changes.join(', ')}</dd></div>}
      </dl>
      {strategy.rehearsal !== undefined && <p className="muted">{rehearsed(strategy.rehearsal, t)}</p>}
      {wanted && <Apply intent={strategy.intent} cost={e.billedPerHourNanocredits} />}
    </div>
  );
}

interface Done {
  tenant: string;
  name: string;
  action: string;
}

async function applied(client: Client, intent: AskedIntent): Promise<Done> {
  const result = await client.apply(intent);
  const done = { tenant: result.tenant ?? '', name: result.name ?? '', action: result.action ?? '' };
  dialogueOf(client).taken(intent);
  dialogueOf(client).applied(done);
  return done;
}

function Apply({ intent, cost }: { intent: AskedIntent; cost?: Estimate['billedPerHourNanocredits'] }) {
  const t = useText();
  const { client } = useLive();
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState<Done>();
  const name = `${intent.metadata.tenant ?? ''}/${intent.metadata.name}`;
  if (done !== undefined) return <Applied done={done} />;
  return (
    <>
      <button type="button" className="primary" onClick={() => setAsking(true)}>{t.ask.apply}</button>
      {asking && (
        <ConsentDialog
          title={t.ask.applyTitle(name)}
          action={t.ask.apply}
          onClose={() => setAsking(false)}
          act={async () => {
            setDone(await applied(client, intent));
          }}
        >
          {cost !== undefined && <p className="figure-big">{t.work.perHour(credits(cost))}</p>}
          <p>{t.ask.applyText}</p>
        </ConsentDialog>
      )}
    </>
  );
}

function Applied({ done }: { done: Done }) {
  const t = useText();
  const { domain } = useLive();
  const intent = useRow(domain.intents, `${done.tenant}/${done.name}`);
  return (
    <>
      <p className="links-line" role="status">
        <span>{t.ask.applied(`${done.tenant}/${done.name}`, t.ask.actions[done.action] ?? done.action)}</span>
        <StateChip state={intent?.status?.state} />
        <a href={intentHref(done.tenant, done.name)}>{t.ask.follow}</a>
      </p>
      <Judge tenant={done.tenant} name={done.name} />
    </>
  );
}

const BLAMES = ['slow', 'dear', 'dirty', 'unreliable', 'other'] as const;

// Good, or bad and why, of an intent.
function Judge({ tenant, name }: { tenant: string; name: string }) {
  const t = useText();
  const { client } = useLive();
  const [bad, setBad] = useState(false);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ rating?: Rating; problem?: Problem }>({});
  const judge = (verdict: string, because?: string) => {
    const rating: Rating = { intent: name, tenant, verdict, ...(because === undefined ? {} : { because }) };
    setBusy(true);
    client.rate(rating).then(
      () => setSaid({ rating }),
      (error: unknown) => setSaid({ problem: asProblem(error) }),
    ).finally(() => {
      setBusy(false);
      setBad(false);
    });
  };
  return (
    <div className="links-line" role="group" aria-label={t.ask.judge(`${tenant}/${name}`)}>
      <span className="muted">{t.ask.judge(name)}</span>
      <button type="button" disabled={busy} aria-pressed={said.rating?.verdict === 'good'} onClick={() => judge('good')}>👍 {t.ask.good}</button>
      <button type="button" disabled={busy} aria-pressed={said.rating?.verdict === 'bad'} aria-expanded={bad} onClick={() => setBad(!bad)}>👎 {t.ask.bad}</button>
      {bad && BLAMES.map((one) => <button key={one} type="button" disabled={busy} onClick={() => judge('bad', one)}>{t.ask.blames[one]}</button>)}
      {said.rating && <span role="status">{rated(t, said.rating)}</span>}
      {said.problem && <ProblemBox problem={said.problem} />}
    </div>
  );
}

function rated(t: Dictionary, { intent, tenant, verdict, because }: Rating): string {
  const why = because === undefined ? undefined : t.ask.blames[because];
  return t.ask.rated(`${tenant ?? ''}/${intent}`, (verdict === 'good' ? t.ask.good : t.ask.bad).toLowerCase() + (why === undefined ? '' : `, ${why}`));
}

// Judged in words: sent once, however often it is shown.
const ratings = new WeakMap<Rating, Promise<unknown>>();

function Rated({ rating }: { rating: Rating }) {
  const t = useText();
  const { client } = useLive();
  const [state, setState] = useState<{ done?: boolean; problem?: Problem }>({});
  useEffect(() => {
    let sending = ratings.get(rating);
    if (sending === undefined) {
      sending = client.rate(rating);
      ratings.set(rating, sending);
    }
    let current = true;
    sending.then(() => current && setState({ done: true }), (error: unknown) => current && setState({ problem: asProblem(error) }));
    return () => {
      current = false;
    };
  }, [client, rating]);
  if (state.problem !== undefined) return <ProblemBox problem={state.problem} />;
  return state.done === true ? <p role="status">{rated(t, rating)}</p> : <Working text={t.loading.page} />;
}

// Agreed to in words: applied once, however often it is shown.
const applications = new WeakMap<AskedIntent, Promise<Done>>();

function Agreed({ intent }: { intent: AskedIntent }) {
  const t = useText();
  const { client } = useLive();
  const [state, setState] = useState<{ done?: Done; problem?: Problem }>({});
  useEffect(() => {
    let applying = applications.get(intent);
    if (applying === undefined) {
      applying = applied(client, intent);
      applications.set(intent, applying);
    }
    let current = true;
    applying.then((done) => current && setState({ done }), (error: unknown) => current && setState({ problem: asProblem(error) }));
    return () => {
      current = false;
    };
  }, [client, intent]);
  if (state.done !== undefined) return <Applied done={state.done} />;
  if (state.problem !== undefined) return <ProblemBox problem={state.problem} />;
  return <Working text={t.loading.page} />;
}

function Explained({ tenant, intent, whatIf }: { tenant: string; intent: string; whatIf: string }) {
  const { t, language } = usePreferences();
  const { client } = useLive();
  const [explained, again] = useAnswer(() => client.explain(tenant, intent, language, whatIf), [client, tenant, intent, language, whatIf]);
  if (explained.state === 'loading') return <Working text={t.loading.page} />;
  if (explained.state === 'failed') return <ProblemBox problem={explained.problem} onRetry={again} />;
  return (
    <>
      <h3>{t.ask.explanation}{whatIf !== '' && <span className="muted"> {whatIf}</span>}</h3>
      {whatIf === '' ? <div className="whole">{explained.value.text}</div> : <Comparison now={explained.value.now} would={explained.value.whatIf} />}
      <p className="links-line"><a href={intentHref(tenant, intent)}>{t.action.details}</a></p>
    </>
  );
}

function Withdrawals({ of }: { of: NonNullable<Wish['withdrawals']> }) {
  const t = useText();
  const { client } = useLive();
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState(false);
  const names = of.map((one) => `${one.tenant ?? ''}/${one.name}`);
  if (done) return <p role="status">{t.labelled(t.ask.withdrawn, names.join(', '))}</p>;
  return (
    <>
      <ul className="reasons">{names.map((name) => <li key={name}><Name text={name} /></li>)}</ul>
      <p><button type="button" className="danger" onClick={() => setAsking(true)}>{t.ask.withdraw}</button></p>
      {asking && (
        <ConsentDialog
          danger
          title={t.ask.withdrawTitle}
          action={t.ask.withdraw}
          onClose={() => setAsking(false)}
          act={async () => {
            for (const one of of) await client.withdraw(one.tenant ?? '', one.name);
            setDone(true);
          }}
        >
          <ul className="reasons">{names.map((name) => <li key={name}><Name text={name} /></li>)}</ul>
          <p>{t.ask.withdrawText}</p>
        </ConsentDialog>
      )}
    </>
  );
}

function Intents({ of }: { of: NonNullable<Wish['intents']> }) {
  const { domain } = useLive();
  useRows(domain.intents);
  return (
    <ul className="plain">
      {of.slice(0, 200).map((one) => {
        const status = domain.intents.get(`${one.tenant ?? ''}/${one.name}`)?.status;
        return (
          <li key={`${one.tenant ?? ''}/${one.name}`}>
            <a href={intentHref(one.tenant, one.name)}><Name text={`${one.tenant ?? ''}/${one.name}`} /></a>
            <StateChip state={status?.state} />
            {status?.why !== undefined && <span className="muted">{status.why}</span>}
          </li>
        );
      })}
    </ul>
  );
}

const SITES_SHOWN = 20;

function Sites({ names, cleanest }: { names: readonly string[]; cleanest: boolean }) {
  const t = useText();
  const { domain } = useLive();
  const figure = (text: string | undefined): number => Number.parseFloat(text ?? '') || 0;
  const sites = useRows(domain.sites)
    .filter((site) => names.length === 0 || names.includes(site.metadata.name))
    .map((site) => ({ site, key: cleanest ? figure(site.spec?.power?.carbon) : figure(site.spec?.asks?.core_hour) }))
    .sort((a, b) => a.key - b.key);
  if (sites.length === 0) return <Empty>{t.list.empty}</Empty>;
  return (
    <>
      <h3>{t.ask.freeSites}</h3>
      <table className="compare compare-sites">
        <thead><tr><th scope="col">{t.column.name}</th><th scope="col">{t.column.cores}</th><th scope="col">{t.column.memory}</th><th scope="col">{t.map.asks}</th><th scope="col">{t.map.grid}</th></tr></thead>
        <tbody>
          {sites.slice(0, SITES_SHOWN).map(({ site }) => (
            <tr key={site.metadata.name}>
              <th scope="row"><a href={routeText(['map'], { site: site.metadata.name })}><Name text={site.metadata.name} /></a></th>
              <td>{site.status?.restricted === true ? '–' : cores(site.status?.cpu_milli_free)}</td>
              <td>{site.status?.restricted === true ? '–' : memory(site.status?.memory_mib_free)}</td>
              <td>{site.spec?.asks?.core_hour ?? '–'}</td>
              <td>{site.spec?.power?.carbon ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
