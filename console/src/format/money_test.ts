import { describe, expect, it } from 'vitest';
import { credits, creditsForChart, creditsShort, milli } from './money';

describe('credits', () => {
  it.each([
    ['0', '0'],
    [undefined, '0'],
    ['1', '0.000000001'],
    ['228061000', '0.228061'],
    ['1000000000', '1'],
    ['1234567890123456789', '1,234,567,890.123456789'],
    ['-1500000000', '-1.5'],
    ['9223372036854775807', '9,223,372,036.854775807'],
    ['-9223372036854775808', '-9,223,372,036.854775808'],
  ])('writes %s as %s', (nano, text) => expect(credits(nano)).toBe(text));

  it('loses no nanocredit where a floating-point number would', () =>
    expect(credits(9_007_199_254_740_993n)).toBe('9,007,199.254740993'));
});

describe('creditsShort', () => {
  it.each([
    ['0', '0'],
    ['1234567890', '1.23'],
    ['1995000000', '2'],
    ['228061000', '0.2281'],
    ['2324239', '0.002324'],
    ['999999999', '1'],
    ['7', '0.000000007'],
  ])('writes %s as %s', (nano, text) => expect(creditsShort(nano)).toBe(text));
});

describe('milli', () => {
  it.each([['0', '0'], ['310', '0.31'], ['1500', '1.5'], ['1234567', '1,234.567'], [undefined, '0']])('writes %s as %s', (value, text) =>
    expect(milli(value)).toBe(text));
});

it('gives a chart credits', () => expect(creditsForChart(1_500_000_000n)).toBe(1.5));
