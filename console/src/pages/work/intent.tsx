import type { Intent } from '../../api/types';
import { Card, Empty, Facts, Name, ProblemBox, StateChip, Time, Working } from '../../components/basics';
import { INTENT_EVENTS, RecentEvents } from '../../components/history';
import { credits } from '../../format/money';
import { duration, latency } from '../../format/units';
import { ofIntent } from '../../map/details';
import { MapView } from '../../map/map_view';
import { routeText } from '../../router';
import { runKey } from '../../state/domain';
import { usePreferences, useText } from '../../state/preferences';
import { useAnswer, useLive, useRow, useRows } from '../../state/session';
import { ExplanationCard } from './explanation';
import { promiseState } from './intent_list';
import { WhatIf } from './what_if';
import { useEffect, useMemo } from 'react';

export function IntentPage({ tenant, name }: { tenant: string; name: string }) {
  const { t, language } = usePreferences();
  const { domain, client, demand } = useLiveWithRuns();
  const id = `${tenant}/${name}`;
  const intent = useRow(domain.intents, id);
  const runs = useRows(domain.runs).filter((run) => run.intent === name && run.tenant === tenant)
    .sort((a, b) => Number(a.id?.plan ?? 0) - Number(b.id?.plan ?? 0) || (a.id?.item ?? 0) - (b.id?.item ?? 0));
  // A new plan or a new reason is a new explanation.
  const [explained, again] = useAnswer(() => client.explain(tenant, name, language), [tenant, name, language, intent?.status?.plan, intent?.status?.state, intent?.status?.why]);
  useEffect(demand, [demand]);
  const selection = useMemo(() => ({ intent: id }), [id]);
  if (intent === undefined) {
    return (
      <>
        <div className="page-head"><h1>{id}</h1></div>
        {explained.state === 'failed' ? <ProblemBox problem={explained.problem} onRetry={again} /> : <Empty>{t.map.gone}</Empty>}
        <p className="links-line"><a href={routeText(['work', 'intents'])}>{t.work.intents}</a></p>
      </>
    );
  }
  const plan = explained.state === 'ready' ? explained.value.plan : undefined;
  return (
    <>
      <div className="page-head">
        <h1><Name text={id} /></h1>
        <StateChip state={intent.status?.state} />
        <StateChip state={promiseState(intent)} />
        <span className="links-line">
          <a href={routeText(['map'], { intent: id })}>{t.action.showOnMap}</a>
          <a href={routeText(['money', 'bill'], { tenant, filter: name })}>{t.work.bill}</a>
        </span>
      </div>
      <div className="grid">
        <PromiseCard intent={intent} />
        <Card title={t.work.runsOf}>
          {runs.length === 0 ? <Empty>{t.work.noPlacements}</Empty> : (
            <ul className="plain">
              {runs.slice(0, 200).map((run) => (
                <li key={runKey(run)}>
                  <a href={routeText(['work', 'run', runKey(run)])}>{runKey(run)}</a>
                  <a href={routeText(['map'], { site: run.site })}><Name text={run.site} /></a>
                  <StateChip state={run.state} />
                </li>
              ))}
            </ul>
          )}
          <MapView framed selection={selection} />
        </Card>
      </div>
      {explained.state === 'loading' && <Working text={t.loading.page} />}
      {explained.state === 'failed' && <ProblemBox problem={explained.problem} onRetry={again} />}
      {explained.state === 'ready' && <ExplanationCard explanation={explained.value} />}
      <WhatIf tenant={tenant} name={name} plan={plan?.position} />
      <RecentEvents id={`intent/${id}`} tenant={tenant} names={INTENT_EVENTS} of={ofIntent(id, intent.status?.plan)} />
    </>
  );
}

export function useLiveWithRuns() {
  const live = useLive();
  const demand = useMemo(() => () => void live.demand('run').catch(() => undefined), [live]);
  return { domain: live.domain, client: live.client, demand };
}

function PromiseCard({ intent }: { intent: Intent }) {
  const t = useText();
  const { spec, status } = intent;
  const work = spec?.workload?.service ?? spec?.workload?.job;
  const measured = status?.latency_us_measured;
  const waiting = status?.waiting;
  const tasks = status?.tasks;
  return (
    <Card title={t.work.promise}>
      <Facts rows={[
        [t.map.why, status?.why],
        spec?.promise?.latency !== undefined && [t.work.latency, t.work.within(spec.promise.latency, spec.promise.percentile ?? '')],
        spec?.promise?.availability !== undefined && [t.work.availability, spec.promise.availability],
        status?.latency_us_predicted !== undefined && [t.work.predicted, latency(status.latency_us_predicted)],
        spec?.promise !== undefined && [t.work.measuredNow, measured === undefined ? t.work.notMeasured : <>{latency(measured)} · {t.work.samples(status?.samples ?? '0', status?.misses ?? '0', status?.lost ?? '0')}</>],
        status?.service_address !== undefined && [t.work.address, <span className="mono">[{status.service_address}]:{status.service_port}</span>],
        [t.work.instances, t.work.ofInstances(status?.instances_running ?? 0, status?.instances ?? 0)],
        tasks !== undefined && [t.work.tasks, t.work.taskCounts(tasks.waiting ?? 0, tasks.running ?? 0, tasks.finished ?? 0, tasks.failed ?? 0)],
        [t.work.billed, t.work.perHour(credits(status?.billed_per_hour_nanocredits))],
        spec?.budget?.max !== undefined && [t.work.budget, t.work.per(spec.budget.max, spec.budget.per ?? '')],
        spec?.from !== undefined && [t.work.from, spec.from.map((from) => t.work.streams(from.site ?? '', from.streams ?? 0)).join(', ')],
        work !== undefined && [t.work.program, [work.artifact, work.cpu && `${work.cpu} cpu`, work.memory].filter(Boolean).join(' · ')],
        waiting?.queue !== undefined && [t.work.waiting, t.work.position(waiting.position ?? 0, waiting.queue)],
        waiting?.estimated_start !== undefined && [t.work.estimated, <Time at={waiting.estimated_start} />],
        waiting?.promised_start !== undefined && [t.work.promised, <Time at={waiting.promised_start} />],
        status?.started !== undefined && [t.column.started, <Time at={status.started} />],
        status?.expected_run_us !== undefined && [t.column.time, duration(status.expected_run_us)],
        [t.work.generation, String(intent.metadata.generation ?? '')],
      ]} />
    </Card>
  );
}
