import { describe, expect, it } from 'vitest';
import type { EventView } from '../api/types';
import { changeOf } from '../api/record';
import { Domain, slimPlan } from './domain';
import { applyEvent, linkState, splitSubject } from './reducer';

// Wire format of protobuf: key, then a number or a length and bytes.
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
const number = (field: number, value: number) => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, value: number[]) => [...varint((field << 3) | 2), ...varint(value.length), ...value];
const text = (field: number, value: string) => bytes(field, [...new TextEncoder().encode(value)]);
const record = (body: number[]): string => Buffer.from([...number(1, 1_795_374), ...text(2, 'brain'), ...body]).toString('base64');

const siteDown = record(bytes(19, [...number(1, 3), ...number(2, 4), ...text(3, 'silent')]));
const linkDown = (id: number) => record(bytes(20, [...number(1, id), ...text(3, 'cut')]));
const event = (name: string, subject: string, more: Partial<EventView> = {}): EventView => ({ name, subject, position: '9', ...more });

function world(): Domain {
  const domain = new Domain((flush) => flush());
  domain.sites.put({ metadata: { name: 'a' }, status: { state: 'up', runs: 2 } });
  domain.links.put({ metadata: { name: 'l' }, status: { state: 'up', id: 6, forward: { up: true, latency_us: '5' }, backward: { up: true } } });
  domain.runs.put({ id: { plan: '7', item: 1 }, tenant: 't', intent: 'i', state: 'RUN_STATE_RUNNING' });
  return domain;
}

describe('records', () => {
  it('tell what failed', () => {
    expect(changeOf(siteDown)).toEqual({ body: 'site', state: 'down', why: 'silent', drained: false });
    expect(changeOf(linkDown(7))).toEqual({ body: 'link', direction: 1, up: false, why: 'cut' });
    expect(changeOf(record(bytes(27, [...number(3, 6), ...number(4, 137)])))).toEqual({ body: 'run', state: 'RUN_STATE_FAILED', exitCode: 137, why: '' });
  });
  it('that are damaged, foreign or absent are no change', () => {
    const whole = Buffer.from(siteDown, 'base64');
    for (let length = 0; length < whole.length; length += 1) expect(changeOf(whole.subarray(0, length).toString('base64'))).toBeUndefined();
    for (const given of [undefined, '', '!!', 'gICAgICAgICAgICA', record(bytes(18, [1, 2, 3]))]) expect(changeOf(given)).toBeUndefined();
  });
});

describe('events', () => {
  it('change a site at once and keep the rest of it', () => {
    const domain = world();
    expect(applyEvent(domain, event('SiteStateChanged', 'site/a', { record: siteDown }))).toEqual([{ kind: 'site', name: 'a' }]);
    expect(domain.sites.get('a')?.status).toEqual({ state: 'down', why: 'silent', runs: 2 });
  });
  it('change one direction of a link, twice as once', () => {
    const domain = world();
    for (let times = 0; times < 2; times += 1) applyEvent(domain, event('LinkStateChanged', 'link/l', { record: linkDown(7) }));
    expect(domain.links.get('l')?.status?.state).toBe('half');
    applyEvent(domain, event('LinkStateChanged', 'link/l', { record: linkDown(6) }));
    expect(domain.links.get('l')?.status).toMatchObject({ state: 'down', forward: { up: false, latency_us: '5' } });
  });
  it('without a record are read from the brain', () => {
    const domain = world();
    expect(applyEvent(domain, event('LinkStateChanged', 'link/l'))).toEqual([{ kind: 'link', name: 'l' }]);
    expect(domain.links.get('l')?.status?.state).toBe('up');
  });
  it('of runs lead to their intents', () =>
    expect(applyEvent(world(), event('RunStateChanged', 'run/7.1', { tenant: 't' }))).toEqual([{ kind: 'run', name: '7.1', tenant: 't' }, { kind: 'intent', name: 'i', tenant: 't' }]));
  it('of plans lead to plans, runs and queues of the intent', () =>
    expect(applyEvent(world(), event('PlanCommitted', 'intent/t/i')).map((reading) => `${reading.kind} ${reading.tenant ?? ''}/${reading.name}`))
      .toEqual(['intent t/i', 'plansOf t/i', 'runsOf t/i', 'queues /']));
  it('of kinds that draw nothing lead nowhere', () => expect(applyEvent(world(), event('TokenIssued', 'token/x'))).toEqual([]));
  it('of what is not in the store lead to reading it', () =>
    expect(applyEvent(world(), event('SiteStateChanged', 'site/new', { record: siteDown }))).toEqual([{ kind: 'site', name: 'new' }]));
});

describe('subjects', () => {
  it.each([
    ['site/metro', ['site', '', 'metro']], ['intent/city/cameras', ['intent', 'city', 'cameras']], ['run/75.0', ['run', '', '75.0']],
    ['link/a/b', ['link', '', 'a/b']], ['brain', ['brain', '', '']],
  ])('%s', (subject, parts) => expect(Object.values(splitSubject(subject))).toEqual(parts));
});

it('a link of which nothing may be seen keeps the state that the brain gives', () => expect(linkState({ metadata: { name: 'x' }, status: { state: 'up' } })).toBe('up'));

it('plans are kept without alternatives and prices of each flow', () =>
  expect(slimPlan({ position: '1', alternatives: [{}], value: { powerMw: '5', flows: [{}], alternatives: [{}] } })).toEqual({ position: '1', value: { powerMw: '5' } }));
