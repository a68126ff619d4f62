/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/app.h"

int main(int argc, char **argv)
{
	return bd_app_main(argc, argv);
}
