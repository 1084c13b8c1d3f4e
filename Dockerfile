# In the root folder, because it builds from all of the checkout: `docker build --tag mcpstead .`
# How to run it: docs/deploy/README.md.

# The tag is the version of Bun that package.json pins; a test compares them.
FROM oven/bun:1.4.5-alpine AS build
# hadolint ignore=DL3018
RUN apk add --no-cache git
WORKDIR /checkout
COPY . .
# For builds from a source archive, which has no .git: `--build-arg MCPSTEAD_GIT_SHA=…`.
ARG MCPSTEAD_GIT_SHA
RUN bun scripts/dev.mjs build

# Small, with the certificates of public authorities and the wget for the health check. Servers on stdio need a runtime that it
# lacks: docs/stdio.md.
FROM alpine:3.24
# Alpine keeps only the newest build of a package, so a pinned one could not be installed next month.
# hadolint ignore=DL3018
RUN apk add --no-cache libstdc++ tini
COPY --from=build /checkout/dist/bin/*/mcpstead /usr/local/bin/
COPY --from=build /checkout/LICENSE /checkout/dist/THIRD-PARTY-NOTICES /usr/share/licenses/mcpstead/
# For the key with which client sessions survive a restart.
RUN install -d -m 0700 -o 65532 -g 65532 /var/lib/mcpstead
ENV STATE_DIRECTORY=/var/lib/mcpstead
VOLUME /var/lib/mcpstead
# A numeric user, so that Kubernetes can see that it is not root.
USER 65532:65532
ENV MCPSTEAD_CONFIG=/etc/mcpstead/mcpstead.yaml
EXPOSE 8766
# -Y off: a proxy in the environment is for the upstream servers, not for this check.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["wget", "-q", "-Y", "off", "-O", "/dev/null", "http://127.0.0.1:8766/livez"]
# An init, because the gateway starts processes, whose orphans somebody has to collect.
ENTRYPOINT ["tini", "--", "mcpstead"]
