import { useMemo } from 'react';
import type { Workflow } from '../../api/types';
import { Card, Empty, Facts, Name, ProblemBox, StateChip } from '../../components/basics';
import { FilterBar } from '../../components/filter_bar';
import { RecentEvents } from '../../components/history';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { credits, creditsShort } from '../../format/money';
import { bandwidth, duration, latency } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { ownedKey } from '../../state/domain';
import { useText } from '../../state/preferences';
import { useAnswer, useLive, useRow, useRows } from '../../state/session';
import { intentHref } from './intent_list';

const STATES = ['pending', 'planned', 'running', 'refused', 'finished', 'withdrawn'];
const EVENTS = ['WorkflowSubmitted', 'WorkflowPlanned', 'WorkflowWithdrawn'] as const;

export function WorkflowList() {
  const t = useText();
  const { domain } = useLive();
  const { query } = useRoute();
  const rows = useRows(domain.workflows);
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((row) => (text === '' || ownedKey(row).toLowerCase().includes(text)) && (!query.state || row.status?.state === query.state)),
    [rows, text, query.state],
  );
  const columns: Column<Workflow>[] = [
    { id: 'name', title: t.column.name, width: '2fr', cell: (row) => <a href={routeText(['work', 'workflow', row.metadata.tenant ?? '', row.metadata.name])}><Name text={row.metadata.name} /></a> },
    { id: 'tenant', title: t.column.tenant, width: '1fr', wide: true, cell: (row) => <Name text={row.metadata.tenant} /> },
    { id: 'state', title: t.column.state, width: '6.5rem', cell: (row) => <StateChip state={row.status?.state} /> },
    { id: 'kind', title: t.column.kind, width: '5rem', wide: true, cell: (row) => row.spec?.kind ?? '' },
    { id: 'stages', title: t.column.stages, width: '5rem', figure: true, cell: (row) => String(row.spec?.stages?.length ?? 0) },
    { id: 'latency', title: t.work.latencyOf, width: '6rem', figure: true, wide: true, cell: (row) => (row.status?.latency_us === undefined ? '–' : duration(row.status.latency_us)) },
    { id: 'price', title: t.column.price, width: '6rem', figure: true, wide: true, cell: (row) => (row.status?.price_nanocredits === undefined ? '–' : creditsShort(row.status.price_nanocredits)) },
    { id: 'why', title: t.column.why, width: '3fr', wide: true, cell: (row) => <Name text={row.status?.why} /> },
  ];
  const change = (next: Record<string, string>) => replaceQuery(['work', 'workflows'], { ...query, ...next });
  return (
    <>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.work.workflows} columns={columns} rows={shown} rowKey={ownedKey} empty={rows.length === 0 ? t.work.noWorkflows : t.list.nothing} />
    </>
  );
}

export function WorkflowPage({ tenant, name }: { tenant: string; name: string }) {
  const t = useText();
  const { client, domain } = useLive();
  const id = `${tenant}/${name}`;
  const workflow = useRow(domain.workflows, id);
  const [explained, again] = useAnswer(() => client.explainWorkflow(tenant, name), [tenant, name, workflow?.status?.state, workflow?.status?.why]);
  if (workflow === undefined) {
    return (
      <>
        <div className="page-head"><h1><Name text={id} /></h1></div>
        {explained.state === 'failed' ? <ProblemBox problem={explained.problem} onRetry={again} /> : <Empty>{t.map.gone}</Empty>}
      </>
    );
  }
  const { spec, status } = workflow;
  return (
    <>
      <div className="page-head"><h1><Name text={id} /></h1><StateChip state={status?.state} /></div>
      <div className="grid">
        <Card title={t.work.promise}>
          <Facts rows={[
            [t.map.why, status?.why],
            [t.column.where, status?.where],
            [t.column.kind, spec?.kind],
            [t.work.latency, spec?.latency],
            spec?.deadline !== undefined && [t.work.deadline, `${spec.deadline} · ${status?.in_time ? t.work.inTime : t.work.late}`],
            status?.latency_us !== undefined && [t.work.predicted, duration(status.latency_us)],
            status?.price_nanocredits !== undefined && [t.column.price, credits(status.price_nanocredits)],
          ]} />
        </Card>
        <Card title={t.work.stages}>
          <ul className="plain">
            {(status?.stages ?? spec?.stages ?? []).map((stage) => (
              <li key={stage.name} className="alarm-line">
                {'intent' in stage && stage.intent !== undefined ? <a href={intentHref(tenant, stage.intent)}><Name text={stage.name} /></a> : <Name text={stage.name} />}
                {'state' in stage && <StateChip state={stage.state} />}
                {'site' in stage && (
                  <span className="muted">
                    {stage.site}{stage.latency_us !== undefined && ` · ${latency(stage.latency_us)}`}{status?.critical_path?.includes(stage.name ?? '') && ` · ${t.work.critical}`} {stage.why}
                  </span>
                )}
              </li>
            ))}
          </ul>
        </Card>
        {(status?.transfers?.length ?? 0) > 0 && (
          <Card title={t.work.transfers}>
            <ul className="plain">
              {status?.transfers?.map((transfer, i) => (
                <li key={`${transfer.from}${transfer.to}${i}`} className="alarm-line">
                  <span>{transfer.from} → {transfer.to}</span><span>{bandwidth(transfer.bps)}</span>
                  <span className="muted">{transfer.links?.join(' → ')} {latency(transfer.latency_us)}</span>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
      {explained.state === 'failed' && <ProblemBox problem={explained.problem} onRetry={again} />}
      {explained.state === 'ready' && <Card title={t.work.explanation}><pre className="whole" tabIndex={0}>{explained.value.text}</pre></Card>}
      <RecentEvents id={`workflow/${id}`} tenant={tenant} names={EVENTS} of={(event) => event.subject === `workflow/${id}`} />
    </>
  );
}
