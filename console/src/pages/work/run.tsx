import { useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import { queryText } from '../../api/client';
import { bytesOfBase64 } from '../../api/record';
import { Card, Facts, Name, ProblemBox, StateChip, Time, Working } from '../../components/basics';
import { credits } from '../../format/money';
import { bytes, duration, energy } from '../../format/units';
import { routeText } from '../../router';
import { useText } from '../../state/preferences';
import { useAnswer, useLive, useRow } from '../../state/session';
import { intentHref } from './intent_list';

const LOG_MAX = 500_000;  // characters kept; the beginning goes first

export function RunPage({ id }: { id: string }) {
  const t = useText();
  const { client, domain } = useLive();
  const kept = useRow(domain.runs, id);
  const [answer, again] = useAnswer(() => client.get('run', id), [id, kept?.state]);
  if (answer.state === 'loading') return <Working text={t.loading.page} />;
  if (answer.state === 'failed') return <><h1>{id}</h1><ProblemBox problem={answer.problem} onRetry={again} /></>;
  const run = answer.value;
  return (
    <>
      <div className="page-head">
        <h1>{t.column.run} {id}</h1>
        <StateChip state={run.state} />
        <span className="links-line"><button type="button" onClick={again}>{t.action.refresh}</button></span>
      </div>
      <div className="grid">
        <Card title={t.action.details}>
          <Facts rows={[
            [t.map.why, run.why],
            [t.column.intent, <a href={intentHref(run.tenant, run.intent)}><Name text={`${run.tenant ?? ''}/${run.intent ?? ''}`} /></a>],
            [t.column.site, <a href={routeText(['map'], { site: run.site })}><Name text={run.site} /></a>],
            [t.column.node, run.node],
            [t.column.started, <Time at={run.started} />],
            run.ended !== undefined && [t.work.ended, <>
              <Time at={run.ended} /> · {t.work.exit(run.exit_code ?? 0)}</>],
            [t.column.cpu, duration(run.cpu_us)],
            [t.work.received, bytes(run.received_bytes)],
            [t.work.sent, bytes(run.sent_bytes)],
            [t.column.energy, energy(run.energy_microjoule)],
            [t.work.billed, t.work.perHour(credits(run.billed_per_hour_nanocredits))],
            run.address !== undefined && [t.work.address, <span className="mono">[{run.address}]:{run.port}</span>],
          ]} />
        </Card>
        <LogCard plan={run.id?.plan ?? '0'} item={run.id?.item ?? 0} />
      </div>
    </>
  );
}

function LogCard({ plan, item }: { plan: string; item: number }) {
  const t = useText();
  const { client } = useLive();
  const [log, setLog] = useState({ text: '', cut: false, complete: false });
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const box = useRef<HTMLPreElement>(null);

  useEffect(() => {
    const ended = new AbortController();
    setLog({ text: '', cut: false, complete: false });
    setProblem(undefined);
    const follow = async () => {
      const response = await client.open(`/v1/runs/${encodeURIComponent(plan)}/${item}/logs${queryText({ follow: true })}`, { signal: ended.signal });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      const decoder = new TextDecoder();
      let rest = '';
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) return;
        const lines = (rest + chunk.value).split('\n');
        rest = lines.pop() ?? '';
        let more = '';
        let complete = false;
        for (const line of lines) {
          if (line === '') continue;
          const { data, complete: done } = JSON.parse(line) as { data?: string; complete?: boolean };
          if (data !== undefined) more += decoder.decode(bytesOfBase64(data), { stream: true });
          complete ||= done ?? false;
        }
        setLog((before) => {
          const text = before.text + more;
          return { text: text.slice(-LOG_MAX), cut: before.cut || text.length > LOG_MAX, complete: before.complete || complete };
        });
      }
    };
    follow().catch((error: unknown) => {
      if (!ended.signal.aborted) setProblem(asProblem(error));
    });
    return () => ended.abort();
  }, [client, plan, item, attempt]);

  useEffect(() => {
    const element = box.current;
    if (element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < 120) element.scrollTop = element.scrollHeight;
  }, [log]);

  return (
    <Card title={t.work.logs}>
      {problem && <ProblemBox problem={problem} onRetry={() => setAttempt((count) => count + 1)} />}
      {log.cut && <p className="muted">{t.work.logCut}</p>}
      <pre className="log" ref={box} tabIndex={0} role="log" aria-label={t.work.follow}>{log.text || t.work.logEmpty}</pre>
      {log.complete && <p className="muted">{t.work.logEnd}</p>}
    </Card>
  );
}
