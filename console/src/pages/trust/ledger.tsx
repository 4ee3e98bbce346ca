import { useEffect, useState } from 'react';
import { bytesOfBase64 } from '../../api/record';
import { asProblem, Problem } from '../../api/problem';
import type { EventView, LedgerHead } from '../../api/types';
import { Card, Facts, Name, ProblemBox, Time, Working } from '../../components/basics';
import { readEvents } from '../../components/history';
import { hex, verify, type Step, type TrustedHead } from '../../ledger/proof';
import type { Language } from '../../i18n/dictionary';
import { go } from '../../router';
import { usePreferences, useText } from '../../state/preferences';
import { useAnswer, useLive } from '../../state/session';
import type { Client } from '../../api/client';

// The newest head that this tab has verified a record in. The next one has to contain it: a ledger that was rewritten meanwhile shows.
const HEAD_KEY = 'weir.head';

function remembered(): TrustedHead | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(HEAD_KEY) ?? 'null');
    if (typeof kept === 'object' && kept !== null && 'size' in kept && 'rootSha256' in kept && /^[0-9]+$/.test(String(kept.size))) {
      return { size: String(kept.size), rootSha256: String(kept.rootSha256) };
    }
  } catch {
    // What is kept is not a head: as if there were none.
  }
  return undefined;
}

interface Outcome {
  position: string;
  steps: Step[];
  event: EventView | undefined;
  matches: boolean;
  before: TrustedHead | undefined;
}

async function prove(client: Client, language: Language, position: string): Promise<Outcome> {
  const head = await client.head();
  const trusted: TrustedHead = { size: head.size ?? '0', rootSha256: head.rootSha256 ?? '' };
  const kept = remembered();
  const before = kept !== undefined && BigInt(kept.size) <= BigInt(trusted.size) && kept.size !== '0' ? kept : undefined;
  const proof = await client.proof(position, trusted.size, before?.size ?? '');
  const steps = await verify(proof, position, trusted, before);
  const event = (await readEvents(client, language, BigInt(position), BigInt(position) + 1n, []))[0];
  if (steps.every((step) => step.ok !== false)) sessionStorage.setItem(HEAD_KEY, JSON.stringify(trusted));
  return { position, steps, event, matches: event?.record !== undefined && event.record === proof.record, before };
}

export function LedgerView({ position }: { position: string }) {
  const { t, language } = usePreferences();
  const { client } = useLive();
  const [head, again] = useAnswer(() => client.head(), []);
  const [wanted, setWanted] = useState(position);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [outcome, setOutcome] = useState<Outcome>();

  const check = async (asked: string) => {
    setBusy(true);
    setProblem(undefined);
    setOutcome(undefined);
    try {
      if (crypto.subtle === undefined) throw new Problem('unsupported', t.trust.insecure);
      setOutcome(await prove(client, language, asked));
      again();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    if (/^[0-9]+$/.test(position)) void check(position);
  }, [position]);

  const size = head.state === 'ready' ? head.value.size ?? '0' : '0';
  const valid = /^[0-9]{1,19}$/.test(wanted) && BigInt(wanted) < BigInt(size);
  return (
    <div className="grid">
      <div className="stack">
        <Card title={t.trust.head} actions={<button type="button" className="quiet" onClick={again}>{t.action.refresh}</button>}>
          {head.state === 'loading' && <Working text={t.loading.page} />}
          {head.state === 'failed' && <ProblemBox problem={head.problem} onRetry={again} />}
          {head.state === 'ready' && <Head head={head.value} />}
        </Card>
        <Card title={t.trust.prove}>
          <p className="hint">{t.trust.hint}</p>
          <form className="row-form" onSubmit={(event) => {
            event.preventDefault();
            if (wanted === position) void check(wanted);
            else go(['trust', 'ledger'], { position: wanted });
          }}>
            <label className="field">
              <span>{t.trust.position}</span>
              <input value={wanted} onChange={(event) => setWanted(event.target.value.trim())} inputMode="numeric" aria-describedby="position-hint" required />
            </label>
            <button type="submit" className="primary" disabled={busy || !valid}>{t.trust.verify}</button>
          </form>
          <p id="position-hint" className="hint">{t.trust.outside(size)}</p>
          {busy && <Working text={t.trust.verifying} />}
          {problem && <ProblemBox problem={problem} />}
        </Card>
      </div>
      {outcome && <Proven outcome={outcome} />}
    </div>
  );
}

function Head({ head }: { head: LedgerHead }) {
  const t = useText();
  return (
    <Facts rows={[
      [t.trust.size, head.size ?? '0'],
      [t.trust.durable, head.durable ?? '0'],
      [t.trust.root, <span className="hash">{hex(bytesOfBase64(head.rootSha256 ?? ''))}</span>],
    ]} />
  );
}

function Proven({ outcome }: { outcome: Outcome }) {
  const t = useText();
  const good = outcome.steps.every((step) => step.ok !== false);
  const { event } = outcome;
  return (
    <Card title={`${t.trust.position} ${outcome.position}`}>
      <p role="status" className={`verdict verdict-${good ? 'good' : 'bad'}`}>{good ? `✓ ${t.trust.good}` : `✗ ${t.trust.bad}`}</p>
      {event !== undefined && (
        <>
          <Facts rows={[
            [t.column.event, event.name],
            [t.column.time, <Time at={event.at} />],
            [t.column.actor, <Name text={event.actor} />],
            [t.column.subject, <Name text={event.subject} />],
            [t.column.text, event.text],
          ]} />
          {event.record !== undefined && <p className={outcome.matches ? 'hint' : 'verdict-bad'}>{outcome.matches ? t.trust.matches : t.trust.differs}</p>}
        </>
      )}
      <ol className="steps">
        {outcome.steps.map((step) => (
          <li key={step.step}>
            <span className={step.ok === false ? 'verdict-bad' : 'verdict-good'} aria-hidden="true">{step.ok === false ? '✗' : step.ok === 'hidden' ? '–' : '✓'}</span>
            <div>
              <span>{t.trust.step[step.step]}</span>
              {step.ok === 'hidden' && <p className="hint">{t.trust.hidden}</p>}
              {step.step === 'consistency' && outcome.before && <p className="hint">{t.trust.remembered(outcome.before.size)}</p>}
              {step.ok !== 'hidden' && step.computed !== undefined && <p className="hash muted">{t.trust.computed} {step.computed}</p>}
              {step.ok === false && step.given !== undefined && <p className="hash muted">{t.trust.given} {step.given}</p>}
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
