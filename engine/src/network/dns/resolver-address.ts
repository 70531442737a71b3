/** Where containers on networks of users find the engine's name server, as with docker. */
export const resolverAddress = '127.0.0.11';
