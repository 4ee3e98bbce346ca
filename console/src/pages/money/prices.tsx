import { useMemo } from 'react';
import type { Price } from '../../api/types';
import { Meter, Name, ProblemBox, Working } from '../../components/basics';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { credits } from '../../format/money';
import { percent } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { useAnswer, useLive } from '../../state/session';

export function PriceView() {
  const t = useText();
  const { client } = useLive();
  const { query } = useRoute();
  const [answer, again] = useAnswer(() => client.all('price'), []);
  const all = answer.state === 'ready' ? answer.value : [];
  const text = (query.filter ?? '').toLowerCase();
  const resources = useMemo(() => [...new Set(all.map((price) => price.resource ?? ''))], [all]);
  const shown = useMemo(
    () => all.filter((price) => (text === '' || `${price.site ?? ''}${price.link ?? ''}`.toLowerCase().includes(text)) && (!query.resource || price.resource === query.resource)),
    [all, text, query.resource],
  );
  if (answer.state === 'loading') return <Working text={t.loading.page} />;
  if (answer.state === 'failed') return <ProblemBox problem={answer.problem} onRetry={again} />;
  const where = (price: Price) => {
    if (price.site !== undefined) return <a href={routeText(['map'], { site: price.site })}><Name text={price.site} /></a>;
    if (price.link !== undefined) return <a href={routeText(['map'], { link: price.link.replace(/ \(back\)$/, '') })}><Name text={price.link} /></a>;
    return '–';
  };
  const columns: Column<Price>[] = [
    { id: 'where', title: t.column.where, width: '2fr', cell: where },
    { id: 'resource', title: t.column.resource, width: '8rem', cell: (price) => t.money.items[price.resource ?? ''] ?? price.resource },
    { id: 'ask', title: t.column.ask, width: '7rem', figure: true, cell: (price) => (price.ask_nanocredits === undefined ? '–' : credits(price.ask_nanocredits)) },
    { id: 'jobs', title: t.column.jobs, width: '7rem', figure: true, wide: true, cell: (price) => (price.job_ask_nanocredits === undefined ? '–' : credits(price.job_ask_nanocredits)) },
    { id: 'scarcity', title: t.column.scarcity, width: '8rem', figure: true, wide: true, cell: (price) => credits(price.scarcity_nanocredits) },
    { id: 'carbon', title: 'CO₂', width: '7rem', figure: true, wide: true, cell: (price) => credits(price.carbon_nanocredits) },
    { id: 'unit', title: t.column.quantity, width: '7rem', wide: true, cell: (price) => price.unit },
    { id: 'used', title: t.column.utilisation, width: '6rem', figure: true, wide: true, cell: (price) => (price.restricted ? '–' : <Meter value={(price.utilisation_ppm ?? 0) / 1e6} label={percent(price.utilisation_ppm)} />) },
  ];
  const change = (next: Record<string, string>) => replaceQuery(['money', 'prices'], { ...query, ...next });
  return (
    <>
      <p className="hint">{t.money.pricesHint}</p>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={resources} labels={t.money.items} state={query.resource ?? ''} onState={(resource) => change({ resource })} shown={shown.length} total={all.length} />
      <VirtualTable label={t.money.prices} columns={columns} rows={shown} rowKey={(price) => `${price.resource} ${price.site ?? ''} ${price.link ?? ''}`} empty={t.list.nothing} />
    </>
  );
}
