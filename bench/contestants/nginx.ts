import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, programOf } from './contestant.ts';

/**
 * The floor: it passes bytes on unread. To be a floor, it needs keep-alive to the upstream, which is off by default before
 * 1.29.7, no access log, and no bodies on disk.
 */
export const nginx: Contestant = {
  name: 'nginx',
  howToGet: 'apt-get install nginx; BENCH_NGINX names the program',
  find: () => programOf('BENCH_NGINX', 'nginx') ?? (existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : null),
  version: (program) => Bun.spawnSync([program, '-v']).stderr.toString().trim(),
  launch(program, { upstreams, port, folder, token }) {
    const file = join(folder, 'nginx.conf');
    const guard = token === null ? '' : `if ($http_authorization != "Bearer ${token}") { return 401; }`;
    writeFileSync(
      file,
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 10000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream up { server 127.0.0.1:${upstreams[0]?.port}; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      ${guard}
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
    }
  }
}
`,
    );
    return { command: [program, '-c', file, '-e', `${folder}/error.log`] };
  },
  path: '/mcp',
  toolName: (_, tool) => tool,
  merges: false,
  hasStreams: false,
  isJustInTime: false,
  passesEvents: true,
  hasHealth: false,
};
