import { describe, expect, it } from 'vitest';
import { alarmsOf } from './alarms';

describe('alarms', () => {
  it('are none when all is well', () =>
    expect(alarmsOf(
      [{ metadata: { name: 'a' }, status: { state: 'up' } }],
      [{ metadata: { name: 'l' }, status: { forward: { up: true }, backward: { up: true } } }],
      [{ metadata: { name: 'i', tenant: 't' }, status: { state: 'running', has_plan: true, promise_kept: true, samples: '9' } }],
      [{ metadata: { name: 'w', tenant: 't' }, status: { state: 'running' } }],
    )).toEqual([]));

  it('name what is not up, broken, refused or waits, with the reason, gravest first', () => {
    const groups = alarmsOf(
      [{ metadata: { name: 'a' }, status: { state: 'down', why: 'silent' } }, { metadata: { name: 'b' } }],
      [{ metadata: { name: 'l' }, status: { forward: { up: true }, backward: { why: 'cut' } } }],
      [
        { metadata: { name: 'r', tenant: 't' }, status: { state: 'refused', why: 'no room' } },
        { metadata: { name: 'w', tenant: 't' }, status: { state: 'waiting' } },
        { metadata: { name: 'x', tenant: 't' }, status: { state: 'running', has_plan: true, samples: '5', misses: '5' } },
        { metadata: { name: 'n', tenant: 't' }, status: { state: 'running', has_plan: true } },
      ],
      [{ metadata: { name: 'f', tenant: 't' }, status: { state: 'refused' } }],
    );
    expect(groups.map((group) => [group.kind, group.alarms.map((alarm) => alarm.name)])).toEqual([
      ['downSites', ['a', 'b']], ['downLinks', ['l']], ['broken', ['t/x']], ['refused', ['t/r']], ['workflows', ['t/f']], ['waiting', ['t/w']],
    ]);
    expect(groups[0]?.alarms.map((alarm) => alarm.state)).toEqual(['down', 'unknown']);
    expect(groups[1]?.alarms[0]).toMatchObject({ state: 'half', why: 'cut' });
  });
});
