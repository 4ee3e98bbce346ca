import { describe, expect, it } from 'vitest';
import { parseRoute, routeText } from './router';

describe('routes', () => {
  it.each([
    [['map'], {}],
    [['work', 'intent', 'city', 'cam/eras?#&%'], { state: 'refused', filter: 'a=b&c' }],
    [['work', 'intent', '城市', '<script>'], {}],
  ] as [string[], Record<string, string>][])('come back as they were: %j', (parts, query) =>
    expect(parseRoute(routeText(parts, query))).toEqual({ parts, query }));
  it('take what is not percent-encoding as it is', () => expect(parseRoute('#/map/100%').parts).toEqual(['map', '100%']));
  it('leave out what is empty', () => expect(routeText(['map'], { a: '', b: undefined })).toBe('#/map'));
});
