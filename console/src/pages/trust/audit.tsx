import { useMemo } from 'react';
import type { EventView } from '../../api/types';
import { Name, ProblemBox, Time, Working } from '../../components/basics';
import { FilterBar } from '../../components/filter_bar';
import { usePast } from '../../components/history';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { replaceQuery, routeText, useRoute } from '../../router';
import { FOLLOWED, splitSubject } from '../../state/reducer';
import { useText } from '../../state/preferences';

const everything = (): boolean => true;
// Who acts by themselves: the brain and the agents of sites.
const byMachine = (actor: string): boolean => actor === 'brain' || actor.startsWith('site/');

function subjectHref(subject: string): string | undefined {
  const { kind, tenant, name } = splitSubject(subject);
  if (kind === 'site' || kind === 'link') return routeText(['map'], { [kind]: name });
  if (kind === 'intent' || kind === 'workflow') return routeText(['work', kind, tenant, name]);
  if (kind === 'run') return routeText(['work', 'run', name]);
  return undefined;
}

export function AuditView() {
  const t = useText();
  const { query } = useRoute();
  const past = usePast(FOLLOWED, '', everything, 'audit');
  const people = query.people === 'yes';
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => past.events.filter((event) =>
      (!people || !byMachine(event.actor ?? '')) && (!query.state || event.name === query.state) &&
      (text === '' || `${event.actor} ${event.subject} ${event.text}`.toLowerCase().includes(text))),
    [past.events, people, query.state, text],
  );
  const columns: Column<EventView>[] = [
    { id: 'time', title: t.column.time, width: '11rem', wide: true, cell: (event) => <Time at={event.at} /> },
    { id: 'position', title: t.column.position, width: '5.5rem', figure: true, cell: (event) => <a href={routeText(['trust', 'ledger'], { position: event.position })}>{event.position ?? '0'}</a> },
    { id: 'actor', title: t.column.actor, width: '1fr', cell: (event) => <Name text={event.actor} /> },
    { id: 'name', title: t.column.event, width: '1fr', wide: true, cell: (event) => <Name text={event.name} /> },
    {
      id: 'subject', title: t.column.subject, width: '1.2fr', wide: true,
      cell: (event) => {
        const href = subjectHref(event.subject ?? '');
        return href === undefined ? <Name text={event.subject} /> : <a href={href}><Name text={event.subject} /></a>;
      },
    },
    { id: 'text', title: t.column.text, width: '2.4fr', cell: (event) => <Name text={event.text} /> },
  ];
  const change = (next: Record<string, string>) => replaceQuery(['trust', 'audit'], { ...query, ...next });
  return (
    <>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={FOLLOWED} labels={{}} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={past.events.length} />
      <div className="links-line">
        <label className="check"><input type="checkbox" checked={people} onChange={(event) => change({ people: event.target.checked ? 'yes' : '' })} />{t.trust.people}</label>
        {past.from > 0n && <button type="button" className="quiet" disabled={past.busy} onClick={past.more}>{t.action.more}</button>}
      </div>
      {past.problem && <ProblemBox problem={past.problem} onRetry={past.more} />}
      {past.busy && past.events.length === 0 ? <Working text={t.loading.page} />
        : <VirtualTable label={t.trust.audit} columns={columns} rows={shown} rowKey={(event) => event.position ?? '0'} empty={t.list.nothing} />}
    </>
  );
}
