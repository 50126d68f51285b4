FROM oven/bun:1.4.5 AS build
WORKDIR /build
COPY . .
RUN bun install --frozen-lockfile --production --silent && bun scripts/build.ts --outfile /out/taskport

FROM debian:trixie-slim
# Such as postgresql-client-17, for backups of PostgreSQL: not older than the server.
ARG POSTGRES_CLIENT=
RUN if [ -n "$POSTGRES_CLIENT" ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends "$POSTGRES_CLIENT" && rm -rf /var/lib/apt/lists/*; fi
RUN install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /out/taskport /usr/local/bin/taskport
ENV HOST=0.0.0.0 PORT=8000 DATABASE_URL=sqlite:/data/taskport.db BACKUP_DIR=/data/backups BUN_JSC_forceRAMSize=256000000
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["taskport", "health"]
ENTRYPOINT ["taskport"]
CMD ["serve"]
