// Transports of Socket.IO that are not there: Reflex connects by WebSocket alone.

export const XHR = undefined;
export const WT = undefined;
