import { useMemo } from 'react';
import type { Plan, Site } from '../../api/types';
import { Card, Facts, Name, ProblemBox } from '../../components/basics';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { nanocredits } from '../../format/money';
import { carbon, energy, power } from '../../format/units';
import { routeText } from '../../router';
import { useText } from '../../state/preferences';
import { useAnswer, useLive, useRows } from '../../state/session';
import { intentHref } from '../work/intent_list';

export function CarbonView() {
  const t = useText();
  const live = useLive();
  const { domain } = live;
  const [read, again] = useAnswer(() => live.renew('run'), [live]);
  const plans = useRows(domain.plans);
  const runs = useRows(domain.runs);
  const sites = useRows(domain.sites);
  const active = useMemo(() => plans.filter((plan) => plan.state === 'active'), [plans]);
  const metered = useMemo(() => {
    const sums = new Map<string, bigint>();
    for (const run of runs) {
      const key = run.id?.plan ?? '0';
      sums.set(key, (sums.get(key) ?? 0n) + nanocredits(run.energy_microjoule));
    }
    return sums;
  }, [runs]);
  const sum = (of: (plan: Plan) => string | undefined): string => active.reduce((whole, plan) => whole + BigInt(of(plan) ?? '0'), 0n).toString();
  const planColumns: Column<Plan>[] = [
    { id: 'intent', title: t.column.intent, width: '2fr', cell: (plan) => <a href={intentHref(plan.tenant, plan.intent)}><Name text={`${plan.tenant ?? ''}/${plan.intent ?? ''}`} /></a> },
    { id: 'power', title: t.column.power, width: '6rem', figure: true, wide: true, cell: (plan) => power(plan.value?.powerMw) },
    { id: 'carbon', title: t.column.carbon, width: '6rem', figure: true, cell: (plan) => carbon(plan.value?.carbonMgPerHour) },
    { id: 'energy', title: t.column.energy, width: '7rem', figure: true, cell: (plan) => energy((metered.get(plan.position ?? '0') ?? 0n).toString()) },
  ];
  const siteColumns: Column<Site>[] = [
    { id: 'site', title: t.column.site, width: '2fr', cell: (site) => <a href={routeText(['map'], { site: site.metadata.name })}><Name text={site.metadata.name} /></a> },
    { id: 'grid', title: t.column.grid, width: '10rem', figure: true, cell: (site) => site.spec?.power?.carbon ?? '–' },
    { id: 'pue', title: 'PUE', width: '4rem', figure: true, wide: true, cell: (site) => site.spec?.power?.pue ?? '–' },
    { id: 'power', title: t.column.power, width: '9rem', figure: true, wide: true, cell: (site) => `${site.spec?.power?.idle_per_core ?? '–'} … ${site.spec?.power?.peak_per_core ?? '–'}` },
  ];
  return (
    <>
      <p className="hint">{t.money.carbonHint}</p>
      <div className="stack">
        <Card title={t.money.ofPlans} actions={<button type="button" onClick={again}>{t.action.refresh}</button>}>
          {read.state === 'failed' && <ProblemBox problem={read.problem} onRetry={again} />}
          <Facts rows={[[t.money.totalPower, `${power(sum((plan) => plan.value?.powerMw))} · ${carbon(sum((plan) => plan.value?.carbonMgPerHour))} CO₂/h`]]} />
          <VirtualTable height="short" label={t.money.ofPlans} columns={planColumns} rows={active} rowKey={(plan) => plan.position ?? '0'} empty={t.list.empty} />
        </Card>
        <Card title={t.money.ofSites}>
          <VirtualTable height="short" label={t.money.ofSites} columns={siteColumns} rows={sites} rowKey={(site) => site.metadata.name} empty={t.list.empty} />
        </Card>
      </div>
    </>
  );
}
