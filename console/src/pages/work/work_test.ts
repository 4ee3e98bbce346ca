import { describe, expect, it } from 'vitest';
import { margin } from './margin';
import { promiseState } from './intent_list';
import { queueRows } from './queues';

describe('margins', () => {
  const plan = { value: { decisionPrice: '228401000', billedPerHour: '228061000' } };
  it('are exact in tenths of a percent', () =>
    expect(margin(plan, { decisionPrice: '356805000', billedPerHour: '356421000' })).toEqual({ percent: '56.2 %', bill: '0.12836' }));
  it('may be negative, when the rest of the plan leaves no room', () => expect(margin(plan, { decisionPrice: '200000000' })?.percent).toBe('-12.4 %'));
  it('are none without a price', () => {
    expect(margin(plan, {})).toBeUndefined();
    expect(margin({}, { decisionPrice: '1' })).toBeUndefined();
  });
});

describe('promises', () => {
  const of = (status: object) => promiseState({ metadata: { name: 'i' }, status });
  it('are neither kept nor broken before anything is measured', () => expect([of({}), of({ has_plan: true, promise_kept: true })]).toEqual(['', '']));
  it('are kept or broken after', () =>
    expect([of({ has_plan: true, samples: '3', promise_kept: true }), of({ has_plan: true, samples: '3' })]).toEqual(['kept', 'broken']));
});

it('queues stand below their parents, tenants below their queue', () => {
  const rows = queueRows([
    { metadata: { name: 'domain' } },
    { metadata: { name: 'models' }, spec: { parent: 'research' }, status: { tenants: [{ tenant: 'lab' }] } },
    { metadata: { name: 'research' } },
    { metadata: { name: 'orphan' }, spec: { parent: 'hidden' } },
  ]);
  expect(rows.map((row) => `${row.depth} ${row.name}`)).toEqual(['0 domain', '1 research', '2 models', '3 lab', '0 orphan']);
});
