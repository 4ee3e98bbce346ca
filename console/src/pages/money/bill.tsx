import { useMemo, useState } from 'react';
import type { Bill, BillLine } from '../../api/types';
import { Card, Empty, Name, ProblemBox, Working } from '../../components/basics';
import { TimeChart, type Series } from '../../components/chart';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { credits, creditsForChart, creditsShort, milli } from '../../format/money';
import { microsecondsOf } from '../../format/time';
import { replaceQuery, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { useAnswer, useLive, useRows } from '../../state/session';
import { intentHref } from '../work/intent_list';
import { owedByIntent, totalOf, type Owed } from './bill_lines';
import { parts, PERIODS, periodOf } from './period';

const POINTS = 12;
const TENANTS_DRAWN = 5;

type Line = BillLine & { tenant: string; key: string };

export default function BillView() {
  const t = useText();
  const { client, domain } = useLive();
  const { query } = useRoute();
  const tenants = useRows(domain.tenants);
  const [now, setNow] = useState(() => Date.now());
  const period = periodOf(query.period, query.from, query.to, now);
  const from = period === undefined ? '' : microsecondsOf(period.from);
  const to = period === undefined ? '' : microsecondsOf(period.to);
  const tenant = query.tenant ?? '';
  const change = (next: Record<string, string | undefined>) => {
    setNow(Date.now());
    replaceQuery(['money', 'bill'], { ...query, ...next });
  };
  const [answer, again] = useAnswer(async () => (period === undefined ? [] : client.bill({ tenant, from, to })), [tenant, from, to]);
  return (
    <>
      <form className="row-form" onSubmit={(event) => event.preventDefault()}>
        <label className="field">
          <span>{t.money.period}</span>
          <select value={query.period ?? 'day'} onChange={(event) => change({ period: event.target.value })}>
            {PERIODS.map((each) => <option key={each} value={each}>{t.money[each]}</option>)}
          </select>
        </label>
        {query.period === 'custom' && (
          <>
            <label className="field"><span>{t.money.from}</span><input type="datetime-local" value={query.from ?? ''} onChange={(event) => change({ from: event.target.value })} /></label>
            <label className="field"><span>{t.money.to}</span><input type="datetime-local" value={query.to ?? ''} onChange={(event) => change({ to: event.target.value })} /></label>
          </>
        )}
        <label className="field">
          <span>{t.money.tenant}</span>
          <select value={tenant} onChange={(event) => change({ tenant: event.target.value })}>
            <option value="">{t.money.all}</option>
            {tenants.map((each) => <option key={each.metadata.name} value={each.metadata.name}>{each.metadata.name.slice(0, 60)}</option>)}
          </select>
        </label>
        <button type="button" onClick={() => { setNow(Date.now()); again(); }}>{t.action.refresh}</button>
      </form>
      {answer.state === 'loading' && <Working text={t.loading.page} />}
      {answer.state === 'failed' && <ProblemBox problem={answer.problem} onRetry={again} />}
      {answer.state === 'ready' && (answer.value.every((bill) => (bill.lines?.length ?? 0) === 0) ? <Empty>{t.money.none}</Empty> : <Invoices bills={answer.value} />)}
      {period !== undefined && answer.state === 'ready' && totalOf(answer.value) > 0n && <OverTime tenant={tenant} from={period.from} to={period.to} />}
    </>
  );
}

function Invoices({ bills }: { bills: readonly Bill[] }) {
  const t = useText();
  const { query } = useRoute();
  const owed = useMemo(() => owedByIntent(bills), [bills]);
  const lines = useMemo(
    () => bills.flatMap((bill) => (bill.lines ?? []).map((line, i): Line => ({ ...line, tenant: bill.tenant ?? '', key: `${bill.tenant} ${i}` }))),
    [bills],
  );
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => (text === '' ? lines : lines.filter((line) => `${line.tenant}/${line.intent} ${line.site} ${line.item}`.toLowerCase().includes(text))),
    [lines, text],
  );
  const owedColumns: Column<Owed>[] = [
    { id: 'intent', title: t.column.intent, width: '2fr', cell: (row) => <a href={intentHref(row.tenant, row.intent)}><Name text={`${row.tenant}/${row.intent}`} /></a> },
    { id: 'amount', title: t.column.amount, width: '9rem', figure: true, cell: (row) => credits(row.nano) },
  ];
  const lineColumns: Column<Line>[] = [
    { id: 'intent', title: t.column.intent, width: '2fr', cell: (line) => <a href={intentHref(line.tenant, line.intent)}><Name text={`${line.tenant}/${line.intent ?? ''}`} /></a> },
    { id: 'site', title: t.column.site, width: '1.2fr', wide: true, cell: (line) => <Name text={line.site ?? t.money.network} /> },
    { id: 'item', title: t.column.item, width: '7rem', cell: (line) => t.money.items[line.item ?? ''] ?? line.item },
    { id: 'quantity', title: t.column.quantity, width: '10rem', figure: true, wide: true, cell: (line) => `${milli(line.quantity_milli)} ${line.unit ?? ''}` },
    { id: 'price', title: t.column.unitPrice, width: '8rem', figure: true, wide: true, cell: (line) => credits(line.price_nanocredits) },
    { id: 'amount', title: t.column.amount, width: '9rem', figure: true, cell: (line) => credits(line.amount_nanocredits) },
    { id: 'plan', title: t.column.plan, width: '5rem', figure: true, wide: true, cell: (line) => (line.plan === undefined ? '–' : <a href={`#/trust/ledger?position=${line.plan}`}>{line.plan}</a>) },
  ];
  return (
    <>
      <div className="grid">
        <Card title={t.money.total}>
          <p className="figure-big" title={credits(totalOf(bills))}>{t.money.totalOf(creditsShort(totalOf(bills)))}</p>
          <ul className="plain">
            {bills.slice(0, 50).map((bill) => <li key={bill.tenant}><Name text={bill.tenant} /><span>{credits(bill.total_nanocredits)}</span></li>)}
          </ul>
          <p className="hint">{t.money.computed(bills[0]?.ledger_size ?? '0')} · {t.money.exact}</p>
        </Card>
        <Card title={t.money.perIntent}>
          <VirtualTable height="short" label={t.money.perIntent} columns={owedColumns} rows={owed} rowKey={(row) => `${row.tenant}/${row.intent}`} empty={t.money.none} />
        </Card>
      </div>
      <Card title={t.money.lines}>
        <FilterBar text={query.filter ?? ''} onText={(filter) => replaceQuery(['money', 'bill'], { ...query, filter })} shown={shown.length} total={lines.length} />
        <VirtualTable height="short" label={t.money.lines} columns={lineColumns} rows={shown} rowKey={(line) => line.key} empty={t.list.nothing} />
      </Card>
    </>
  );
}

function OverTime({ tenant, from, to }: { tenant: string; from: number; to: number }) {
  const t = useText();
  const { client } = useLive();
  const [answer, again] = useAnswer(async () => {
    const cut = parts({ from, to }, POINTS);
    const bills: Bill[][] = [];
    for (const part of cut) bills.push(await client.bill({ tenant, ...part }));
    return { cut, bills };
  }, [tenant, from, to]);
  const chart = useMemo(() => {
    if (answer.state !== 'ready') return undefined;
    const { cut, bills } = answer.value;
    const sums = new Map<string, bigint>();
    for (const part of bills) for (const bill of part) sums.set(bill.tenant ?? '', (sums.get(bill.tenant ?? '') ?? 0n) + totalOf([bill]));
    const drawn = [...sums].filter(([, sum]) => sum > 0n).sort((a, b) => (a[1] < b[1] ? 1 : -1)).slice(0, TENANTS_DRAWN).map(([name]) => name);
    const series: Series[] = drawn.map((name) => ({
      label: name.slice(0, 30),
      values: bills.map((part) => creditsForChart(totalOf(part.filter((bill) => (bill.tenant ?? '') === name)))),
    }));
    return { times: cut.map((part) => Number(BigInt(part.to) / 1_000_000n)), series };
  }, [answer]);
  return (
    <Card title={t.money.chart}>
      {answer.state === 'loading' && <Working text={t.loading.page} />}
      {answer.state === 'failed' && <ProblemBox problem={answer.problem} onRetry={again} />}
      {chart && <TimeChart times={chart.times} series={chart.series} unit={t.money.chartUnit} label={t.money.chart} />}
    </Card>
  );
}
