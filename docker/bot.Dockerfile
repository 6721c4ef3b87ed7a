# The bot, without torch: the build fails if torch got in.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY contracts contracts
COPY bot bot
COPY aigc aigc
RUN pip install --no-cache-dir -c constraints.txt ".[bot]" \
    && python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)" \
    && rm -rf /app/* \
    && useradd --uid 10001 aigc
USER aigc
ENV PYTHONUNBUFFERED=1
# Healthy: the process answers for its connection by keeping the event loop's heartbeat file fresh.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "aigc.health", "bot"]
CMD ["aigc", "bot"]
