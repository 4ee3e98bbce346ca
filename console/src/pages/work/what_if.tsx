import { useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import type { Explanation, Outlook } from '../../api/types';
import { Card, ProblemBox, StateChip, Working } from '../../components/basics';
import { credits } from '../../format/money';
import { latency } from '../../format/units';
import { usePreferences, useText } from '../../state/preferences';
import { useLive } from '../../state/session';

// Decides on a copy with fields of the spec changed, and sets what would be beside what is.
export function WhatIf({ tenant, name, plan }: { tenant: string; name: string; plan: string | undefined }) {
  const { t, language } = usePreferences();
  const { client } = useLive();
  const [fields, setFields] = useState('');
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<{ explanation: Explanation; plan: string | undefined }>();
  const [problem, setProblem] = useState<Problem>();
  const ask = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      setAnswer({ explanation: await client.explain(tenant, name, language, fields.trim()), plan });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title={t.work.whatIf}>
      <form className="row-form" onSubmit={(event) => { event.preventDefault(); void ask(); }}>
        <label className="field">
          <span>{t.work.whatIfHint}</span>
          <input value={fields} onChange={(event) => setFields(event.target.value)} placeholder="promise.latency=400ms,workload.service.cpu=0.2" autoComplete="off" spellCheck={false} required />
        </label>
        <button type="submit" className="primary" disabled={busy || fields.trim() === ''}>{t.work.whatIfAsk}</button>
      </form>
      {busy && <Working text={t.loading.page} />}
      {problem && <ProblemBox problem={problem} />}
      {answer && <Comparison now={answer.explanation.now} would={answer.explanation.whatIf} />}
    </Card>
  );
}

export function Comparison({ now, would }: { now: Outlook | undefined; would: Outlook | undefined }) {
  const t = useText();
  const rows: [string, (outlook: Outlook | undefined) => string][] = [
    [t.work.sites, (outlook) => outlook?.sites?.join(', ') ?? t.work.none2],
    [t.work.predicted, (outlook) => (outlook?.latency_us_predicted === undefined ? '–' : latency(outlook.latency_us_predicted))],
    [t.work.billed, (outlook) => (outlook?.billed_per_hour_nanocredits === undefined ? '–' : t.work.perHour(credits(outlook.billed_per_hour_nanocredits)))],
    [t.map.why, (outlook) => outlook?.why ?? '–'],
  ];
  return (
    <>
      <table className="compare">
        <thead><tr><th scope="col"><span className="visually-hidden">{t.column.item}</span></th><th scope="col">{t.work.now}</th><th scope="col">{t.work.would}</th></tr></thead>
        <tbody>
          <tr><th scope="row">{t.work.outcome}</th><td><StateChip state={now?.state} /></td><td><StateChip state={would?.state} /></td></tr>
          {rows.map(([title, say]) => (
            <tr key={title}><th scope="row">{title}</th><td>{say(now)}</td><td className={say(now) === say(would) ? '' : 'changed'}>{say(would)}</td></tr>
          ))}
        </tbody>
      </table>
      {would?.reasons !== undefined && (
        <>
          <h3>{t.work.refusedBecause}</h3>
          <ul className="reasons">{would.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        </>
      )}
    </>
  );
}
