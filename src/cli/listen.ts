import { ConfigError } from '../lib/config.ts';

/** What the settings are called, for who has to change them. */
type Names = { port: string; host: string };

/** Starts what listens, or says in one line why it cannot. */
export async function listen<T>(
  { host, port }: { host: string; port: number },
  names: Names,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ConfigError(`Port ${port} of ${host} is in use: set ${names.port} to another one.`);
    if (code === 'EACCES') {
      throw new ConfigError(`Port ${port} may not be used by this account: set ${names.port} above 1023.`);
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new ConfigError(
        `${names.host} ${host} is not an address of this machine: set it to 127.0.0.1 or 0.0.0.0.`,
      );
    }
    throw error;
  }
}

/** Where a server that listens on this host is reached from its own machine. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
