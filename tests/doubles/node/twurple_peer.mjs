// @twurple/chat as a peer: anonymous, over a raw TLS socket or WebSocket.
import { ChatClient } from '@twurple/chat';
import { hear, say } from './lines.mjs';

const { port, channel, webSocket } = await hear();
const client = new ChatClient({
  hostName: 'localhost',
  ssl: true,
  webSocket,
  channels: [channel],
  logger: { minLevel: 'critical' },
});
// it has no option for a port: the address it is about to dial is changed
client._ircClient._connection._target.port = port;

client.onConnect(() => say({ event: 'connected' }));
client.onJoin((room, name) => say({ event: 'join', room, name }));
client.onJoinFailure((room, why) => say({ event: 'not in', room, why }));
client.onMessage((room, name, text, message) =>
  say({
    event: 'chat',
    name,
    text,
    id: message.id,
    user: message.userInfo.userId,
    display: message.userInfo.displayName,
    mod: message.userInfo.isMod,
    bits: message.bits,
    first: message.isFirst,
    reply: message.parentMessageUserDisplayName,
  }));
client.onAction((room, name, text) => say({ event: 'action', name, text }));
client.onResub((room, name, sub) => say({ event: 'resub', name, months: sub.months, text: sub.message }));
client.onCommunitySub((room, name, gift) => say({ event: 'gifts', name, count: gift.count }));
client.onRaid((room, name, raid) => say({ event: 'raid', name, viewers: raid.viewerCount }));
client.onTimeout((room, name, seconds, message) =>
  say({ event: 'timeout', name, seconds, id: message.targetUserId }));
client.onBan((room, name, message) => say({ event: 'ban', name, id: message.targetUserId }));
client.onMessageRemove((room, id) => say({ event: 'deleted', id }));
client.onChatClear(() => say({ event: 'cleared' }));

client.connect();
while (await hear());
process.exit(0);
