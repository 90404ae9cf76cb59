/* The line in the browser: the same definitions as nbcore.measures.robustness, without a network.
 * Scales of accuracy, least squares in the scaled space, and exact binomial tails. */
(() => {
  "use strict";
  const clip = (p) => Math.min(Math.max(p, 0), 1);

  // the normal distribution function by its power series: absolute error near 1e-16
  const ndtr = (z) => {
    if (Math.abs(z) > 8) return z > 0 ? 1 : 0;
    let sum = z, term = z;
    for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum) && i < 400; i += 2) sum += term *= z * z / i;
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  };
  const ndtri = (p) => {
    if (p <= 0 || p >= 1) return p <= 0 ? -Infinity : Infinity;
    let z = Math.log(p / (1 - p)) / 1.702; // close enough for Newton, whose steps are bounded
    for (let i = 0; i < 60; i++) {
      const step = (ndtr(z) - p) / (Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI));
      z -= Math.min(Math.max(step, -0.5), 0.5);
      if (Math.abs(step) < 1e-15) break;
    }
    return z;
  };
  const same = (p) => p;
  const scales = { // name: [accuracy to scale, scale to accuracy]
    logit: [(p) => Math.log(p / (1 - p)), (t) => 1 / (1 + Math.exp(-t))],
    probit: [ndtri, ndtr],
    linear: [same, same],
  };

  /* Least squares through scaled accuracies; null where no line can be drawn. */
  const fit = (pairs, scale) => {
    const [to, back] = scales[scale];
    const inside = ([x, y]) => scale === "linear" || (x > 0 && x < 1 && y > 0 && y < 1);
    const used = pairs.filter(inside), n = used.length;
    const mean = (values) => values.reduce((a, b) => a + b, 0) / n;
    const u = used.map(([x]) => to(x)), v = used.map(([, y]) => to(y));
    const mu = mean(u), mv = mean(v);
    const along = (a, ma, b, mb) => a.reduce((s, x, i) => s + (x - ma) * (b[i] - mb), 0);
    const uu = along(u, mu, u, mu), vv = along(v, mv, v, mv), uv = along(u, mu, v, mv);
    if (n < 3 || !(uu > 0)) return null;
    const slope = uv / uu, intercept = mv - slope * mu, ids = used.map(([x]) => x);
    const predict = (x) => clip(back(slope * to(x) + intercept));
    const misses = used.map(([x, y]) => (y - predict(x)) ** 2);
    return { slope, intercept, r2: vv > 0 ? uv * uv / (uu * vv) : 1, n, scale, predict,
      low: ids.reduce((a, b) => Math.min(a, b)), high: ids.reduce((a, b) => Math.max(a, b)),
      spread: Math.sqrt(mean(misses)) };
  };

  const lgamma = (x) => { // Lanczos, g = 7
    const c = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
      -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
    const t = x + 6.5;
    const sum = c.slice(1).reduce((s, k, i) => s + k / (x + i), c[0]);
    return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
  };
  /* The regularised incomplete beta function by its continued fraction (Lentz). */
  const beta = (p, a, b) => {
    if (p <= 0 || p >= 1) return p <= 0 ? 0 : 1;
    if (p > (a + 1) / (a + b + 2)) return 1 - beta(1 - p, b, a);
    const front = Math.exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * Math.log(p) + b * Math.log(1 - p)) / a;
    const tiny = 1e-300, keep = (x) => (Math.abs(x) < tiny ? tiny : x);
    let c = 1, d = 1 / keep(1 - (a + b) * p / (a + 1)), h = d;
    for (let m = 1; m < 5000; m++) {
      const even = m * (b - m) * p / ((a + 2 * m - 1) * (a + 2 * m));
      const odd = -(a + m) * (a + b + m) * p / ((a + 2 * m) * (a + 2 * m + 1));
      for (const k of [even, odd]) {
        d = 1 / keep(1 + k * d);
        c = keep(1 + k / c);
        h *= d * c;
      }
      if (Math.abs(d * c - 1) < 1e-14) break;
    }
    return front * h;
  };
  const TAIL = 0.025;
  const atLeast = (k, n, p) => (k <= 0 ? 1 : k > n ? 0 : beta(p, k, n - k + 1));
  const first = (n, holds) => { // the smallest k of 0..n for which it holds
    let low = 0, high = n;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (holds(mid)) high = mid; else low = mid + 1;
    }
    return low;
  };
  /* What a model on the line does by chance with n images: lowest and highest accuracy. */
  const band = (p, n) => [first(n, (k) => 1 - atLeast(k + 1, n, p) >= TAIL) / n,
    first(n, (k) => atLeast(k + 1, n, p) <= TAIL) / n];
  /* The exact 95 % interval (Clopper and Pearson) of k right answers in n. */
  const interval = (k, n) => {
    const solve = (above) => {
      let low = 0, high = 1;
      for (let i = 0; i < 50; i++) {
        const mid = (low + high) / 2;
        if (above(mid)) high = mid; else low = mid;
      }
      return (low + high) / 2;
    };
    return [k <= 0 ? 0 : solve((p) => atLeast(k, n, p) > TAIL),
      k >= n ? 1 : solve((p) => 1 - atLeast(k + 1, n, p) < TAIL)];
  };
  window.nbLines = { scales, fit, band, interval, atLeast, TAIL };
})();
