import { useMemo } from 'react';
import type { Queue, QueueUse } from '../../api/types';
import { Name } from '../../components/basics';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { duration, percent } from '../../format/units';
import { useText } from '../../state/preferences';
import { useLive, useRows } from '../../state/session';

interface Row {
  key: string;
  name: string;
  depth: number;
  tenant: boolean;
  policy: string;
  use: QueueUse;
}

// Each queue below its parent, and the tenants with jobs in it below the queue.
export function queueRows(queues: readonly Queue[]): Row[] {
  const known = new Set(queues.map((queue) => queue.metadata.name));
  const children = new Map<string, Queue[]>();
  for (const queue of queues) {
    const name = queue.metadata.name;
    const parent = name === 'domain' ? '' : queue.spec?.parent ?? 'domain';
    const below = known.has(parent) ? parent : '';
    children.set(below, [...(children.get(below) ?? []), queue]);
  }
  const rows: Row[] = [];
  const add = (parent: string, depth: number): void => {
    for (const queue of children.get(parent) ?? []) {
      const name = queue.metadata.name;
      rows.push({ key: name, name, depth, tenant: false, policy: queue.status?.policy ?? '', use: queue.status?.use ?? {} });
      for (const { tenant = '', use = {} } of queue.status?.tenants ?? []) {
        rows.push({ key: `${name} ${tenant}`, name: tenant, depth: depth + 1, tenant: true, policy: '', use });
      }
      add(name, depth + 1);
    }
  };
  add('', 0);
  return rows;
}

export function QueueList() {
  const t = useText();
  const { domain } = useLive();
  const queues = useRows(domain.queues);
  const rows = useMemo(() => queueRows(queues), [queues]);
  const columns: Column<Row>[] = [
    { id: 'name', title: t.column.queue, width: '2fr', cell: (row) => <span className={row.tenant ? 'muted' : ''} style={{ paddingInlineStart: `${row.depth * 1.2}rem` }}><Name text={row.name} /></span> },
    { id: 'policy', title: t.column.policy, width: '7rem', wide: true, cell: (row) => <Name text={row.policy} /> },
    { id: 'share', title: t.column.share, width: '5rem', figure: true, cell: (row) => percent(row.use.share_ppm) },
    { id: 'due', title: t.column.due, width: '5rem', figure: true, wide: true, cell: (row) => percent(row.use.entitlement_ppm) },
    { id: 'running', title: t.column.jobsRunning, width: '5rem', figure: true, cell: (row) => row.use.jobs_running ?? '0' },
    { id: 'waiting', title: t.column.jobsWaiting, width: '5rem', figure: true, cell: (row) => row.use.jobs_waiting ?? '0' },
    { id: 'oldest', title: t.column.oldest, width: '8rem', figure: true, wide: true, cell: (row) => (row.use.oldest_wait_us === undefined ? '–' : duration(row.use.oldest_wait_us)) },
  ];
  return <VirtualTable label={t.work.queues} columns={columns} rows={rows} rowKey={(row) => row.key} empty={t.list.empty} />;
}
