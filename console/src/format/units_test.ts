import { describe, expect, it } from 'vitest';
import { clockTime, dateTime, exactTime, microsecondsOf, millisecondsOf } from './time';
import { bandwidth, bytes, carbon, clip, cores, duration, energy, latency, memory, percent, power } from './units';

describe('units', () => {
  it('writes bandwidth', () => expect([bandwidth('1000000000'), bandwidth('12000000'), bandwidth(undefined)]).toEqual(['1 Gbit/s', '12 Mbit/s', '0 bit/s']));
  it('writes cores from thousandths', () => expect([cores('310'), cores(128000), cores(12345)]).toEqual(['0.31', '128', '12.35']));
  it('writes memory and bytes', () => expect([memory('1024'), memory(192), bytes(1536)]).toEqual(['1 GiB', '192 MiB', '1.5 KiB']));
  it('writes latency', () => expect([latency('341518'), latency(60), latency('2500000')]).toEqual(['342 ms', '60 µs', '2.5 s']));
  it('writes energy, power and carbon', () => expect([energy('3600000000'), power('3480'), carbon('1732')]).toEqual(['1 Wh', '3.48 W', '1.73 g']));
  it('writes percentages of parts per million', () => expect([percent('999500'), percent(0), percent(143885)]).toEqual(['100 %', '0 %', '14.4 %']));
  it('writes spans', () =>
    expect([duration('7500000000'), duration(11_330_150), duration(500), duration('90061000000')]).toEqual(['2 h 5 min', '11 s', '500 µs', '1 d 1 h']));
  it('clips names of any length', () => expect([clip('metro', 8), clip('x'.repeat(10_000), 8)]).toEqual(['metro', 'xxxxxxx…']));
});

describe('time', () => {
  const at = '1795374107079790';
  it('is exact to the microsecond', () => expect(exactTime(at)).toBe('2026-11-22T19:01:47.079790Z'));
  it('is written in both languages', () =>
    expect([dateTime(at, 'en', 'UTC'), dateTime(at, 'zh', 'UTC'), clockTime(at, 'en', 'UTC')]).toEqual(['22/11/2026, 19:01:47', '2026/11/22 19:01:47', '19:01:47']));
  it('is nothing where there is none', () => expect([exactTime('0'), dateTime(undefined, 'en'), clockTime('', 'zh')]).toEqual(['', '', '']));
  it('goes to milliseconds and back', () => expect(microsecondsOf(millisecondsOf('1795374107079000') ?? 0)).toBe('1795374107079000'));
});
