import { describe, expect, it } from 'vitest';
import { dictionaries } from '../../i18n/dictionary';
import { rehearsed } from './rehearsal';

const HOUR = 3_600_000_000;

describe('rehearsed', () => {
  it('says when it starts and who waits for it', () => {
    const r = { windowUs: String(4 * HOUR), reachedUs: String(4 * HOUR), forecast: 'yesterday', arrivals: 37, starts: true, startsAfterUs: '719999999', othersLater: 2, othersLaterUs: '300000000' };
    expect(rehearsed(r, dictionaries.en)).toBe('Rehearsed, the next 4 h with 37 jobs expected: it starts after 12 min; 2 other jobs start later, by up to 5 min');
    expect(rehearsed(r, dictionaries.zh)).toBe('预演未来 4 h，预计来 37 个作业：12 min 后开始；其他 2 个作业推迟开始，最多晚 5 min');
  });
  it('says what a lost site does to it, and nothing of what does not happen', () => {
    const r = { reachedUs: String(4 * HOUR), forecast: 'none', starts: true, lostSite: 'hub', repaired: true, repairedAfterUs: '1500000' };
    expect(rehearsed(r, dictionaries.en)).toBe('Rehearsed, the next 4 h: it starts at once; without hub it runs again after 2 s');
    expect(rehearsed({ ...r, repaired: false }, dictionaries.en)).toBe('Rehearsed, the next 4 h: it starts at once; without hub it does not run again');
  });
  it('says all that goes wrong', () => {
    const r = { reachedUs: String(HOUR), forecast: 'rate', arrivals: 1, starts: true, startsAfterUs: '0', ends: true, endsAfterUs: '60000000', preemptions: 1, moves: 2, shortUs: '1000000', othersLater: 1, othersLaterUs: '2000000', othersPreempted: 1 };
    expect(rehearsed(r, dictionaries.en)).toBe('Rehearsed, the next 1 h with 1 job expected: it starts at once; ends after 1 min; gives way once; moves 2 times; lacks instances for 1 s; 1 other job starts later, by 2 s; 1 other job gives way');
    expect(rehearsed({ reachedUs: String(HOUR) }, dictionaries.en)).toContain('it does not start');
    expect(rehearsed({ windowUs: String(HOUR), problem: 'the domain is too large' }, dictionaries.en)).toBe('Not rehearsed: the domain is too large');
  });
});
