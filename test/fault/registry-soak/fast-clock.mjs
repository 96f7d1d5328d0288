/**
 * Loaded before a server (`node --import`), so that its hours pass in seconds: SLIPWAY_TEST_CLOCK is `ORIGIN RATE`. From the
 * origin on (milliseconds since 1970) its clock runs so much faster than ours. A server that is started again with the
 * same words goes on where the one before it was.
 */
const [origin = Number.NaN, rate = 1] = (process.env.SLIPWAY_TEST_CLOCK ?? '').split(' ').map(Number);
const ours = Date.now.bind(Date);
if (!Number.isNaN(origin)) Date.now = () => Math.floor(origin + (ours() - origin) * rate);
