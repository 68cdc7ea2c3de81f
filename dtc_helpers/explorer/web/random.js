// Random numbers as numpy.random.RandomState draws them, bit for bit.

const MT_LENGTH = 624;
const MT_SHIFT = 397;

/** Mersenne Twister as `RandomState(seed)` starts it; each call gives the next 32 bits. */
function mersenneTwister(seed) {
  const key = new Uint32Array(MT_LENGTH);
  key[0] = seed;
  for (let i = 1; i < MT_LENGTH; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  let position = MT_LENGTH;
  return () => {
    if (position === MT_LENGTH) {
      twist(key);
      position = 0;
    }
    return tempered(key[position++]);
  };
}

function twist(key) {
  for (let i = 0; i < MT_LENGTH; i++) {
    const bits = (key[i] & 0x80000000) | (key[(i + 1) % MT_LENGTH] & 0x7fffffff);
    key[i] = key[(i + MT_SHIFT) % MT_LENGTH] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
  }
}

function tempered(word) {
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return (word ^ (word >>> 18)) >>> 0;
}

/** Numbers of `RandomState(seed)`. */
export function randomState(seed) {
  const word = mersenneTwister(seed);
  const numbers = normals(() => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992);
  return { normal: () => numbers.next().value, permutation: (n) => permutation(word, n) };
}

/** The polar method: it gives two numbers at a time. */
function* normals(uniform) {
  for (;;) {
    const [x, y] = [2 * uniform() - 1, 2 * uniform() - 1];
    const r2 = x * x + y * y;
    if (r2 >= 1 || r2 === 0) continue;
    const scale = Math.sqrt((-2 * Math.log(r2)) / r2);
    yield scale * y;
    yield scale * x;
  }
}

/** Legacy shuffle of 0 … n − 1: a number up to i is drawn with as many bits as i has, until one is small enough. */
function permutation(word, n) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j;
    do j = (word() & mask) >>> 0;
    while (j > i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
