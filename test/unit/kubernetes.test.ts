import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';

const root = join(import.meta.dir, '../..');
const folder = join(root, 'docs/deploy/kubernetes');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const page = readFileSync(join(root, 'docs/deploy/README.md'), 'utf8');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const manifest = (name: string) => parse(readFileSync(join(folder, name), 'utf8'));

const kustomization = manifest('kustomization.yaml');
const deployment = manifest('deployment.yaml');
const service = manifest('service.yaml');
const configMap = manifest('configmap.yaml');
const pod = deployment.spec.template.spec;
const [gateway, reloader] = pod.containers;

/** The path of the configuration in the image. */
const [, configPath = ''] = /^ENV MCPSTEAD_CONFIG=(.*)$/m.exec(dockerfile) ?? [];
const [, createSecret = ''] = /(kubectl create secret generic mcpstead [^`]*?)\n(?!\s)/.exec(page) ?? [];
const secretKeys = [...createSecret.matchAll(/--from-literal[= ]"?(\w+)=/g)].map(([, key]) => key as string);

const env = Object.fromEntries(secretKeys.map((key) => [key, 'only-for-this-test-and-long-enough']));
const { config } = parseConfig(configMap.data['mcpstead.yaml'], 'mcpstead.yaml', env);

describe('the manifests for Kubernetes', () => {
  test('have one object per file, and are all applied except the one that needs an operator', () => {
    const kinds = files.map((name) => {
      const documents = parseAllDocuments(readFileSync(join(folder, name), 'utf8'));
      expect([name, documents.length, documents[0]!.errors, documents[0]!.warnings]).toEqual([
        name,
        1,
        [],
        [],
      ]);
      const { apiVersion, kind } = documents[0]!.toJS();
      return `${name}: ${apiVersion} ${kind}`;
    });
    expect(kinds.toSorted()).toEqual([
      'configmap.yaml: v1 ConfigMap',
      'deployment.yaml: apps/v1 Deployment',
      'kustomization.yaml: kustomize.config.k8s.io/v1beta1 Kustomization',
      'namespace.yaml: v1 Namespace',
      'podmonitor.yaml: monitoring.coreos.com/v1 PodMonitor',
      'service.yaml: v1 Service',
    ]);
    const applied = files.filter((name) => !['kustomization.yaml', 'podmonitor.yaml'].includes(name));
    expect(kustomization.resources.toSorted()).toEqual(applied.toSorted());
    expect(manifest('namespace.yaml').metadata.name).toBe(kustomization.namespace);
  });

  test('select the pods by the labels that these have', () => {
    const labels = { 'app.kubernetes.io/name': 'mcpstead' };
    expect(deployment.spec.template.metadata.labels).toEqual(labels);
    expect(deployment.spec.selector.matchLabels).toEqual(labels);
    expect(service.spec.selector).toEqual(labels);
    const { metadata, spec } = manifest('podmonitor.yaml');
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(metadata.namespace).toBe(kustomization.namespace);
    // The label becomes the job's name, which the alert rules expect.
    expect(labels[spec.jobLabel as keyof typeof labels]).toBe('mcpstead');
  });

  test('reach the port that the gateway listens on by its name', () => {
    expect(gateway.ports).toEqual([{ name: 'http', containerPort: config.port }]);
    expect(service.spec.ports).toMatchObject([{ port: config.port, targetPort: 'http' }]);
    expect(manifest('podmonitor.yaml').spec.podMetricsEndpoints).toEqual([
      { port: 'http', path: '/metrics' },
    ]);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(gateway[probe].httpGet.port).toBe('http');
    }
    expect(config.host).toBe('0.0.0.0');
  });

  test('run the image that docs/deploy builds, as its user', () => {
    expect(page).toContain('docker build --tag mcpstead .');
    expect(pod.containers.map(({ image }: { image: string }) => image)).toEqual(['mcpstead', 'mcpstead']);
    expect(kustomization.images.map(({ name }: { name: string }) => name)).toEqual(['mcpstead']);
    const { runAsUser, runAsGroup } = pod.securityContext;
    expect(dockerfile).toContain(`\nUSER ${runAsUser}:${runAsGroup}\n`);
  });

  test('satisfy the strictest Pod Security Standard, and require even less', () => {
    expect(manifest('namespace.yaml').metadata.labels).toEqual({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext).toEqual({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      expect([resources.requests.memory, resources.limits.memory]).toEqual([
        expect.any(String),
        expect.any(String),
      ]);
    }
  });

  test('mount the ConfigMap as a folder, where the image looks, so that its changes arrive', () => {
    expect(Object.keys(configMap.data).map((name) => `/etc/mcpstead/${name}`)).toEqual([configPath]);
    expect(pod.volumes).toEqual([{ name: 'config', configMap: { name: configMap.metadata.name } }]);
    for (const { volumeMounts } of pod.containers) {
      expect(volumeMounts).toEqual([{ name: 'config', mountPath: dirname(configPath), readOnly: true }]);
    }
  });

  test('take every variable from the Secret that docs/deploy creates', () => {
    expect(secretKeys).toEqual(['MCPSTEAD_BEARER_TOKEN', 'MCPSTEAD_STATE_KEY', 'TRACKER_TOKEN']);
    expect(gateway.envFrom).toEqual([{ secretRef: { name: 'mcpstead' } }]);
    expect(reloader.env).toEqual([
      {
        name: 'MCPSTEAD_BEARER_TOKEN',
        valueFrom: { secretKeyRef: { name: 'mcpstead', key: 'MCPSTEAD_BEARER_TOKEN' } },
      },
    ]);
  });

  test('give an ending pod more time than its gateway needs', () => {
    const { drain_delay_seconds: drain, shutdown_grace_seconds: grace } = config.mcp.session;
    expect(drain).toBe(10);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drain + grace + 10);
  });

  test('admit clients by every name of a Service, and only with the token', () => {
    const { name } = service.metadata;
    const { namespace } = kustomization;
    expect(config.mcp.allowed_hosts).toEqual([
      name,
      `${name}.${namespace}`,
      `${name}.${namespace}.svc`,
      '*.svc.cluster.local',
    ]);
    expect(config.mcp.auth.mode).toBe('bearer');
  });
});
