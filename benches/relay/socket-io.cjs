// The Socket.IO peer of `cargo xtask bench relay`, as its documentation shows it: with rooms, over WebSocket only.
const { Server } = require("socket.io");

const io = new Server({ transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.on("connection", (socket) => {
  socket.on("subscribe", (topic, done) => {
    socket.join(topic);
    done();
  });
  socket.on("publish", (topic, payload) => socket.to(topic).emit("event", payload));
});
io.listen(Number(process.argv[2]));
