// tmi.js as a peer: joins over WebSocket, says what it hears, writes what it is told.
import tmi from 'tmi.js';
import { hear, say } from './lines.mjs';

const { port, channel, login, token } = await hear();
const quiet = { info() {}, warn() {}, error() {}, setLevel() {} };
const client = new tmi.Client({
  // with TLS it insists on port 443, and appends that: it becomes part of a query
  connection: { server: `localhost:${port}/?`, secure: true, reconnect: false },
  identity: login ? { username: login, password: `oauth:${token}` } : undefined,
  channels: [channel],
  logger: quiet,
});

client.on('connected', () => say({ event: 'connected' }));
client.on('disconnected', (reason) => say({ event: 'disconnected', reason }));
client.on('join', (room, name, self) => say({ event: 'join', room, name, self }));
client.on('roomstate', (room, state) => say({ event: 'roomstate', room, id: state['room-id'] }));
client.on('message', (room, tags, text, self) =>
  say({ event: tags['message-type'], room, text, self, tags }));
client.on('cheer', (room, tags, text) => say({ event: 'cheer', bits: tags.bits, text }));
client.on('resub', (room, name, streak, text, tags) =>
  say({ event: 'resub', name, text, months: tags['msg-param-cumulative-months'] }));
client.on('submysterygift', (room, name, count) => say({ event: 'gifts', name, count }));
client.on('raided', (room, name, viewers) => say({ event: 'raid', name, viewers }));
client.on('timeout', (room, name, reason, seconds, tags) =>
  say({ event: 'timeout', name, seconds, id: tags['target-user-id'] }));
client.on('ban', (room, name, reason, tags) =>
  say({ event: 'ban', name, id: tags['target-user-id'] }));
client.on('messagedeleted', (room, name, text, tags) =>
  say({ event: 'deleted', id: tags['target-msg-id'] }));
client.on('clearchat', () => say({ event: 'cleared' }));
client.on('notice', (room, id, text) => say({ event: 'notice', room, id, text }));

client.connect().catch((error) => say({ event: 'refused', why: String(error) }));

for (let order = await hear(); order; order = await hear()) {
  if (order.do === 'say') client.say(channel, order.text).catch((error) => say({ event: 'unsaid', why: String(error) }));
  if (order.do === 'ping') client.ping().then(([latency]) => say({ event: 'pong', latency }));
  if (order.do === 'join') client.join(order.channel).then(() => say({ event: 'in' }), (error) => say({ event: 'not in', why: String(error) }));
}
process.exit(0);
